package org.plait;

import java.lang.ref.Reference;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.plait.internal.NativeLibrary;
import org.plait.internal.Natives;

/**
 * Importance ratios of tokens or sequences between the policy and the one that sampled, and where
 * they leave the clip range. Sums run in float64, token by token. Deterministic. Thread-safe.
 */
public final class ImportanceRatio {
  /** Bit of the flags: the ratio is below {@code 1 - clipLow}. */
  public static final int BELOW = 1;

  /** Bit of the flags: the ratio is above {@code 1 + clipHigh}. */
  public static final int ABOVE = 2;

  /** Bit of the flags: the log-ratio was clamped to the limit. */
  public static final int LIMITED = 4;

  private ImportanceRatio() {}

  /**
   * What to compute. Immutable and thread-safe.
   *
   * @param level what a ratio is of
   * @param clipLow at least 0; +inf for no bound below
   * @param clipHigh at least 0; +inf for no bound above
   * @param logRatioLimit above 0: the absolute log-ratio is clamped to it; +inf for no limit
   */
  public record Options(RatioLevel level, float clipLow, float clipHigh, float logRatioLimit) {
    /**
     * Checks the arguments.
     *
     * @throws IllegalArgumentException if a bound is out of range or NaN
     */
    public Options {
      Objects.requireNonNull(level, "level");
      Checks.that(clipLow >= 0, "clipLow", "at least 0", clipLow);
      Checks.that(clipHigh >= 0, "clipHigh", "at least 0", clipHigh);
      Checks.that(logRatioLimit > 0, "logRatioLimit", "above 0", logRatioLimit);
    }

    /**
     * Makes options without bounds and limit.
     *
     * @param level what a ratio is of
     * @return the options
     */
    public static Options of(RatioLevel level) {
      float none = Float.POSITIVE_INFINITY;
      return new Options(level, none, none, none);
    }
  }

  /**
   * Where results go. Outputs overlap nothing else; ignored tokens get ratio 0 and flags 0.
   * Immutable and thread-safe.
   *
   * @param ratio FLOAT32 [T], a sequence's ratio at each of its tokens; or null
   * @param sequenceRatio FLOAT32 [B], 1 for a sequence without tokens; for sequence levels, or
   *     null. Without offsets all tokens are one sequence, and B is 1
   * @param flags UINT8 [T] of {@link #BELOW}, {@link #ABOVE} and {@link #LIMITED}; or null
   */
  public record Output(
      @Nullable TensorView ratio, @Nullable TensorView sequenceRatio, @Nullable TensorView flags) {}

  /**
   * Computes ratios.
   *
   * @param backend where the views are and the kernel runs
   * @param batch sequences, roles and the old log-probabilities; the rest is not used
   * @param logProbs FLOAT32 [T] in nats
   * @param options level and bounds
   * @param out where to write
   * @throws IllegalArgumentException if an argument does not fit; nothing has been written then
   * @throws PlaitException if the backend is not available
   */
  public static void compute(
      Backend backend, TokenBatch batch, TensorView logProbs, Options options, Output out) {
    int device = Backend.require(backend);
    Checks.present("batch", batch);
    Checks.present("options", options);
    Checks.present("out", out);
    batch.checkDevice(device);
    long tokens = batch.tokens();
    TensorView oldLogProbs = batch.oldLogProbs();
    if (oldLogProbs == null) {
      throw new IllegalArgumentException(
          "oldLogProbs: expected %s in the batch, got null"
              .formatted(Shapes.describe(DType.FLOAT32, tokens)));
    }
    long sequences = batch.offsets() == null ? 1 : batch.sequences();
    Checks.vector("logProbs", logProbs, DType.FLOAT32, tokens, device);
    Checks.optionalOutput("ratio", out.ratio, DType.FLOAT32, tokens, device);
    if (options.level == RatioLevel.TOKEN && out.sequenceRatio != null) {
      throw Checks.unexpected("sequenceRatio", "null at the token level", out.sequenceRatio);
    }
    Checks.optionalOutput("sequenceRatio", out.sequenceRatio, DType.FLOAT32, sequences, device);
    Checks.optionalOutput("flags", out.flags, DType.UINT8, tokens, device);
    try {
      NativeLibrary.check(
          Natives.plait_importance_ratio(
              device,
              backend.stream(),
              tokens,
              batch.sequences(),
              Checks.address("offsets", batch.offsets()),
              Checks.address("roles", batch.roles()),
              logProbs.address("logProbs"),
              oldLogProbs.address("oldLogProbs"),
              options.level.code(),
              options.clipLow,
              options.clipHigh,
              options.logRatioLimit,
              Checks.address("ratio", out.ratio),
              Checks.address("sequenceRatio", out.sequenceRatio),
              Checks.address("flags", out.flags)));
    } finally {
      Reference.reachabilityFence(batch);
      Reference.reachabilityFence(logProbs);
      Reference.reachabilityFence(out);
    }
  }
}
