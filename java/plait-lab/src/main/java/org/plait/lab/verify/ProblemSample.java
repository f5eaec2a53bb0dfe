package org.plait.lab.verify;

import java.util.Objects;
import java.util.SplittableRandom;
import org.plait.Objective;
import org.plait.lab.oracle.TokenProblem;

/**
 * Tokens for the objective kernels. All values are exact in float32, and no ratio lies so near to a
 * clip bound that rounding could decide. The same shape gives the same tokens.
 */
enum ProblemSample {
  /** One rollout token. */
  ONE,
  /** No token and no sequence. */
  NONE,
  /** One sequence without offsets and roles. */
  PLAIN,
  /** Six tokens of all roles, for large vocabularies. */
  FEW,
  /** Sequences of all roles, with empty ones, and one whose tokens are all ignored. */
  MIXED,
  /** As MIXED, of 60 short sequences: enough of them for errors that a whole sequence shares. */
  MANY,
  /** As MIXED, of 257 tokens. */
  RAGGED,
  /** As MIXED, of about 20,000 tokens. */
  LONG,
  /** Nothing but ignored tokens. */
  IGNORED;

  /** Log-ratios away from the bounds of clip 0.2, 0.28 and dual clip 3 and 10. */
  private static final double[] LOG_RATIOS = {0, 0.03, -0.03, 0.12, -0.15, 0.4, -0.5, 1.4, -2, 3};

  private static final double[] REFERENCE = {0, 1e-3, -1e-3, 0.02, -0.05, 0.5, -0.8, 3, -4};

  /** old_logp - sampler_logp, away from the bounds 0.5, 2 and 5 of the sampler's weights. */
  private static final double[] OMEGAS = {0, 0.02, -0.03, 0.2, -0.3, 0.9, -1.2, 2.5};

  String label() {
    return JsonFields.lower(this);
  }

  private int[] lengths(SplittableRandom random) {
    return switch (this) {
      case ONE -> new int[] {1};
      case NONE -> new int[0];
      case PLAIN -> new int[] {33};
      case FEW -> new int[] {2, 1, 0, 0, 3};
      case MIXED, IGNORED -> new int[] {5, 3, 0, 4, 3, 6};
      case MANY -> random.ints(60, 0, 6).toArray();
      case RAGGED -> new int[] {0, 40, 1, 100, 17, 0, 33, 64, 2, 0};
      case LONG -> random.ints(150, 0, 270).toArray();
    };
  }

  /**
   * The problem of these tokens with an objective; everything that an objective may ask for is
   * there.
   */
  TokenProblem with(Objective objective) {
    SplittableRandom random = new SplittableRandom(Objects.hash(name()));
    int[] lengths = lengths(random);
    long[] offsets = new long[lengths.length + 1];
    for (int i = 0; i < lengths.length; i++) {
      offsets[i + 1] = offsets[i] + lengths[i];
    }
    int n = (int) offsets[lengths.length];
    byte[] roles = new byte[n];
    double[] logProbs = new double[n];
    double[] old = new double[n];
    double[] reference = new double[n];
    double[] sampler = new double[n];
    double[] entropy = new double[n];
    double[] advantages = new double[n];
    boolean each = this == PLAIN || this == RAGGED || this == LONG; // an advantage of its own
    for (int i = 0; i < lengths.length; i++) {
      double shared = i % 4 == 3 ? 0 : Scenario.gaussian(random);
      for (int t = (int) offsets[i]; t < offsets[i + 1]; t++) {
        roles[t] = role(i, t - (int) offsets[i], random);
        logProbs[t] = (float) -(8 * random.nextDouble() * random.nextDouble() + 1e-3);
        double jitter = random.nextDouble(-0.01, 0.01);
        double delta = LOG_RATIOS[random.nextInt(LOG_RATIOS.length)];
        old[t] = delta == 0 ? logProbs[t] : (float) (logProbs[t] - delta - jitter);
        reference[t] = (float) (logProbs[t] - REFERENCE[random.nextInt(REFERENCE.length)]);
        entropy[t] = (float) random.nextDouble(0.01, 5);
        double omega = OMEGAS[random.nextInt(OMEGAS.length)] + random.nextDouble(-0.01, 0.01);
        sampler[t] = (float) (old[t] - omega);
        advantages[t] = (float) (each ? t % 9 == 8 ? 0 : Scenario.gaussian(random) : shared);
      }
    }
    boolean plain = this == PLAIN;
    return TokenProblem.of(
            logProbs,
            entropy,
            plain ? null : roles,
            plain ? null : offsets,
            advantages,
            old,
            reference,
            objective)
        .withSampler(sampler);
  }

  private byte role(int sequence, int token, SplittableRandom random) {
    return switch (this) {
      case ONE, PLAIN -> 1;
      case NONE, IGNORED -> 0;
      case FEW -> (byte) (sequence == 0 ? 1 + token : sequence == 1 ? 3 : Math.min(token, 1));
      case MIXED, MANY, RAGGED, LONG -> {
        if (sequence % 7 == 3 || random.nextInt(6) == 0) {
          yield 0;
        }
        int kind = sequence % 3; // rollouts, demonstrations, and rollouts that continue a hint
        yield (byte) (kind == 1 ? 2 : kind == 2 && token < 3 ? 3 : 1);
      }
    };
  }
}
