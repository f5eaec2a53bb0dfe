package org.plait.lab.verify;

import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import org.plait.lab.oracle.TokenProblem;

/**
 * A problem with ignored tokens between its own, as padding and prompts are; what is not a number
 * there must not be read.
 *
 * @param problem the padded problem
 * @param places where each token has gone
 */
@SuppressWarnings("ArrayRecordComponent") // plain data, never compared
record Padding(TokenProblem problem, int[] places) {

  static Padding of(TokenProblem packed, SplittableRandom random) {
    int n = packed.tokens();
    int[] places = new int[n];
    long[] offsets = new long[packed.sequences() + 1];
    int place = 0;
    for (int i = 0; i < packed.sequences(); i++) {
      place += random.nextInt(3); // before the first token, or all there is
      for (int t = packed.begin(i); t < packed.begin(i + 1); t++) {
        places[t] = place++;
        place += random.nextInt(4) == 0 ? random.nextInt(5) : 0;
      }
      offsets[i + 1] = place;
    }
    byte[] roles = new byte[place];
    for (int t = 0; t < n; t++) {
      roles[places[t]] = (byte) packed.role(t);
    }
    int tokens = place;
    TokenProblem padded =
        new TokenProblem(
            spread(packed.logProbs(), places, tokens),
            spread(Objects.requireNonNull(packed.entropy()), places, tokens),
            roles,
            offsets,
            spread(Objects.requireNonNull(packed.advantages()), places, tokens),
            spread(Objects.requireNonNull(packed.oldLogProbs()), places, tokens),
            spread(Objects.requireNonNull(packed.referenceLogProbs()), places, tokens),
            spread(Objects.requireNonNull(packed.samplerLogProbs()), places, tokens),
            packed.objective(),
            packed.tokenCounts(),
            packed.sequenceCounts(),
            packed.length());
    return new Padding(padded, places);
  }

  private static double[] spread(double[] values, int[] places, int tokens) {
    double[] spread = new double[tokens];
    Arrays.fill(spread, Double.NaN);
    for (int t = 0; t < values.length; t++) {
      spread[places[t]] = values[t];
    }
    return spread;
  }

  /** What a step on the padded problem wrote for the tokens of the packed one. */
  StepRun tokens(StepRun run, int vocab) {
    float[] gradient = new float[places.length * vocab];
    for (int t = 0; t < places.length; t++) {
      System.arraycopy(run.gradient(), places[t] * vocab, gradient, t * vocab, vocab);
    }
    return new StepRun(
        gradient, pick(run.logProb()), pick(run.entropy()), pick(run.tokenLoss()), Map.of());
  }

  private float[] pick(float[] values) {
    float[] picked = new float[places.length];
    for (int t = 0; t < picked.length; t++) {
      picked[t] = values[places[t]];
    }
    return picked;
  }
}
