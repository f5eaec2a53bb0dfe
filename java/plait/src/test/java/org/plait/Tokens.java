package org.plait;

import static java.util.Objects.requireNonNull;

import java.util.Arrays;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/**
 * What an objective is told of a few tokens, on the heap. Tests change what they look at, run an
 * objective, and look at c, h and the metrics.
 */
final class Tokens {
  final int count;
  long @Nullable [] offsets;
  Role @Nullable [] roles;
  float[] logp;
  float[] entropy;
  float[] advantages;
  float @Nullable [] old;
  float @Nullable [] reference;
  float @Nullable [] sampler;
  Normalizers normalizers = Normalizers.NONE;

  private Tokens(int count) {
    this.count = count;
    logp = new float[count];
    entropy = new float[count];
    advantages = new float[count];
    Arrays.fill(logp, -1);
    Arrays.fill(entropy, 0.75f);
    Arrays.fill(advantages, 1);
  }

  /** One sequence of rollouts with log-prob -1, entropy 0.75 and advantage 1. */
  static Tokens of(int count) {
    return new Tokens(count);
  }

  /** Tokens whose ratios lie on both sides of every bound, in sequences of given lengths. */
  static Tokens random(long seed, int... lengths) {
    long[] offsets = new long[lengths.length + 1];
    for (int i = 0; i < lengths.length; i++) {
      offsets[i + 1] = offsets[i] + lengths[i];
    }
    Tokens tokens = new Tokens((int) offsets[lengths.length]);
    tokens.offsets = offsets;
    Random random = new Random(seed);
    tokens.old = new float[tokens.count];
    tokens.reference = new float[tokens.count];
    tokens.sampler = new float[tokens.count];
    for (int i = 0; i < lengths.length; i++) {
      float advantage = (float) random.nextGaussian();
      for (int t = (int) offsets[i]; t < offsets[i + 1]; t++) {
        tokens.logp[t] = -2 * random.nextFloat() - 0.05f;
        tokens.entropy[t] = 2 * random.nextFloat();
        tokens.advantages[t] = advantage;
        tokens.old[t] = tokens.logp[t] + (float) random.nextGaussian() * 0.4f;
        tokens.reference[t] = tokens.logp[t] + (float) random.nextGaussian();
        tokens.sampler[t] = tokens.old[t] + (float) random.nextGaussian() * 0.3f;
      }
    }
    return tokens;
  }

  /** The sequences from one to before another, which count as many as before. */
  Tokens sequences(int from, int to) {
    long[] all = requireNonNull(offsets);
    int begin = (int) all[from];
    int end = (int) all[to];
    Tokens part = new Tokens(end - begin);
    part.offsets = Arrays.stream(all, from, to + 1).map(offset -> offset - begin).toArray();
    part.roles = roles == null ? null : Arrays.copyOfRange(roles, begin, end);
    part.logp = Arrays.copyOfRange(logp, begin, end);
    part.entropy = Arrays.copyOfRange(entropy, begin, end);
    part.advantages = Arrays.copyOfRange(advantages, begin, end);
    part.old = old == null ? null : Arrays.copyOfRange(old, begin, end);
    part.reference = reference == null ? null : Arrays.copyOfRange(reference, begin, end);
    part.sampler = sampler == null ? null : Arrays.copyOfRange(sampler, begin, end);
    part.normalizers = normalizers;
    return part;
  }

  TokenBatch batch() {
    TokenBatch.Builder builder =
        TokenBatch.builder(count).advantages(TensorView.copyOf(advantages));
    if (offsets != null) {
      builder.offsets(TensorView.copyOf(offsets));
    }
    if (roles != null) {
      builder.roles(TensorView.copyOf(roles));
    }
    if (old != null) {
      builder.oldLogProbs(TensorView.copyOf(old));
    }
    if (reference != null) {
      builder.referenceLogProbs(TensorView.copyOf(reference));
    }
    if (sampler != null) {
      builder.samplerLogProbs(TensorView.copyOf(sampler));
    }
    return builder.build();
  }

  Result run(Objective objective) {
    TokenBatch batch = batch();
    TokenObjective.Output out = TokenObjective.Output.allocate(count);
    Metrics metrics = new Metrics();
    TokenObjective.compute(
        Backend.cpu(),
        batch,
        objective,
        normalizers,
        TensorView.copyOf(logp),
        TensorView.copyOf(entropy),
        out,
        metrics,
        TensorView.allocate(DType.UINT8, TokenObjective.workspaceBytes(count, batch.sequences())));
    return new Result(
        requireNonNull(out.c()).toFloats(), requireNonNull(out.h()).toFloats(), metrics);
  }

  /** A value per token. */
  static float[] values(double... values) {
    float[] floats = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      floats[i] = (float) values[i];
    }
    return floats;
  }

  /** What an objective made of the tokens. */
  static final class Result {
    private final float[] c;
    private final float[] h;
    private final Metrics metrics;

    private Result(float[] c, float[] h, Metrics metrics) {
      this.c = c;
      this.h = h;
      this.metrics = metrics;
    }

    float[] c() {
      return c;
    }

    float[] h() {
      return h;
    }

    Metrics metrics() {
      return metrics;
    }
  }
}
