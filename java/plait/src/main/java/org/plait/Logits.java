package org.plait;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;
import org.plait.internal.NativeLibrary;
import org.plait.internal.StructWriter;
import org.plait.internal.Structs;

/**
 * T rows of logits, the token that was realised at each, and the temperature it was sampled at.
 * With {@code z = logits / temperature}, the policy is {@code p = softmax(z)}.
 *
 * <ul>
 *   <li>Logits may be -inf: a masked vocabulary entry, with p = 0 and no part in entropy or
 *       gradient.
 *   <li>A row with a NaN, a +inf or nothing but -inf gives NaN for that row alone.
 *   <li>A target outside the vocabulary gives NaN statistics and a zero gradient for its row, and
 *       is counted in what the call returns.
 * </ul>
 *
 * <p>Kernels read the values at the time of the call; only addresses and shapes are fixed here.
 * Immutable and thread-safe.
 */
public final class Logits {
  private final TensorView data;
  private final TensorView targets;
  private final @Nullable TensorView rowIndex;
  private final @Nullable TensorView temperatures;
  private final float temperature;
  private final long vocabBegin;
  private final long vocabTotal;
  private final ByteBuffer struct = Structs.allocate(Structs.LOGITS_SIZE);
  private final long structAddress;
  private @Nullable Scratch scratch;

  private Logits(Builder builder) {
    data = builder.data;
    targets = builder.targets;
    rowIndex = builder.rowIndex;
    temperatures = builder.temperatures;
    temperature = builder.temperature;
    vocabBegin = builder.vocabBegin;
    vocabTotal = builder.vocabTotal;
    requireOpen();
    StructWriter.put(struct, this);
    structAddress = NativeLibrary.address(struct, 1);
  }

  /**
   * Makes logits of temperature 1.
   *
   * @param data FLOAT32, BFLOAT16 or FLOAT16 [T, V], V at least 1; rows may be strided
   * @param targets INT32 or INT64 [T], the realised tokens
   * @return immutable logits
   * @throws IllegalArgumentException if an argument has another type, shape or device
   */
  public static Logits of(TensorView data, TensorView targets) {
    return builder(data, targets).build();
  }

  /**
   * Starts with temperature 1, one token per row and the whole vocabulary.
   *
   * @param data FLOAT32, BFLOAT16 or FLOAT16 [rows, V], V at least 1; rows may be strided
   * @param targets INT32 or INT64 [T], the realised tokens; T is rows unless a row index is given
   * @return a builder
   */
  public static Builder builder(TensorView data, TensorView targets) {
    return new Builder(data, targets);
  }

  /**
   * Returns the number of tokens.
   *
   * @return T
   */
  public long tokens() {
    return targets.size(0);
  }

  /**
   * Returns the number of vocabulary entries at hand.
   *
   * @return V, columns of the data
   */
  public long vocab() {
    return data.size(1);
  }

  /**
   * Returns the logits.
   *
   * @return a view of [rows, V]
   */
  public TensorView data() {
    return data;
  }

  /**
   * Returns the realised tokens.
   *
   * @return INT32 or INT64 [T]
   */
  public TensorView targets() {
    return targets;
  }

  /**
   * Returns the row of each token.
   *
   * @return INT64 [T], or null if row t is token t
   */
  public @Nullable TensorView rowIndex() {
    return rowIndex;
  }

  /**
   * Returns the temperature of each token.
   *
   * @return FLOAT32 [T], or null if {@link #temperature()} holds for all
   */
  public @Nullable TensorView temperatures() {
    return temperatures;
  }

  /**
   * Returns the temperature of all tokens.
   *
   * @return the temperature; without meaning where {@link #temperatures()} is given
   */
  public float temperature() {
    return temperature;
  }

  /**
   * Returns the vocabulary entry of the first column.
   *
   * @return 0 unless this is a shard
   */
  public long vocabBegin() {
    return vocabBegin;
  }

  /**
   * Returns the size of the vocabulary of all shards together.
   *
   * @return {@link #vocab()} unless this is a shard
   */
  public long vocabTotal() {
    return vocabTotal;
  }

  /** Type and shape, as error messages give them. */
  @Override
  public String toString() {
    return "Logits[data=" + data + ", targets=" + targets + "]";
  }

  /**
   * Address of the packed structure, once nothing that it points to is known to be gone. Keeping
   * this object reachable keeps the structure, and all that it points to, alive.
   */
  long struct(int device) {
    Checks.device("logits", data, device);
    requireOpen();
    return structAddress;
  }

  private void requireOpen() {
    data.address("logits");
    targets.address("targets");
    Checks.address("rowIndex", rowIndex);
    Checks.address("temperatures", temperatures);
  }

  /**
   * The scratch of this thread. Remembered here because looking it up takes a quarter of what a
   * call costs on top of C. Threads may race for the field: each uses only what it owns.
   */
  Scratch scratch() {
    Scratch last = scratch;
    if (last == null || !last.isOwned()) {
      last = Scratch.get();
      scratch = last;
    }
    return last;
  }

  /** Builds {@link Logits}. Confined to one thread. */
  public static final class Builder {
    private final TensorView data;
    private final TensorView targets;
    private @Nullable TensorView rowIndex;
    private @Nullable TensorView temperatures;
    private float temperature = 1;
    private long vocabBegin;
    private long vocabTotal;

    private Builder(TensorView data, TensorView targets) {
      if (data == null || !data.dtype().isFloating() || data.rank() != 2) {
        throw Checks.unexpected("logits", "FLOAT32, BFLOAT16 or FLOAT16 [rows, vocab]", data);
      }
      if (data.size(1) < 1) {
        throw Checks.unexpected("logits", "a vocabulary of at least 1", data);
      }
      if (targets == null
          || (targets.dtype() != DType.INT32 && targets.dtype() != DType.INT64)
          || targets.rank() != 1) {
        throw Checks.unexpected("targets", "INT32 or INT64 [tokens]", targets);
      }
      Checks.device("targets", targets, data.device());
      this.data = data;
      this.targets = targets;
      this.vocabTotal = data.size(1);
    }

    /**
     * Sets one temperature for all tokens.
     *
     * @param temperature finite, above 0, not subnormal
     * @return this
     */
    public Builder temperature(float temperature) {
      Checks.that(
          temperature >= Float.MIN_NORMAL && temperature < Float.POSITIVE_INFINITY,
          "temperature",
          "a finite number above 0, not subnormal",
          temperature);
      this.temperature = temperature;
      this.temperatures = null;
      return this;
    }

    /**
     * Sets a temperature for each token.
     *
     * @param temperatures FLOAT32 [T], each finite and above 0, which the kernels check
     * @return this
     */
    public Builder temperatures(TensorView temperatures) {
      Checks.vector("temperatures", temperatures, DType.FLOAT32, targets.size(0), data.device());
      this.temperatures = temperatures;
      return this;
    }

    /**
     * Takes only some rows of the data; kernels neither read nor write the others.
     *
     * @param rowIndex INT64 [T], strictly increasing rows of the data, which the kernels check
     * @return this
     */
    public Builder rowIndex(TensorView rowIndex) {
      Checks.vector("rowIndex", rowIndex, DType.INT64, targets.size(0), data.device());
      this.rowIndex = rowIndex;
      return this;
    }

    /**
     * Declares the data to be some columns of a larger vocabulary. Targets count from the start of
     * that vocabulary. See {@link RowStats#merge}.
     *
     * @param vocabBegin vocabulary entry of the first column
     * @param vocabTotal size of the whole vocabulary
     * @return this
     */
    public Builder shard(long vocabBegin, long vocabTotal) {
      if (vocabBegin < 0 || vocabBegin > vocabTotal - data.size(1)) {
        throw new IllegalArgumentException(
            "vocabBegin: expected %d columns within a vocabulary of %d, got them from %d on"
                .formatted(data.size(1), vocabTotal, vocabBegin));
      }
      this.vocabBegin = vocabBegin;
      this.vocabTotal = vocabTotal;
      return this;
    }

    /**
     * Builds the logits.
     *
     * @return immutable logits
     * @throws IllegalArgumentException if there are not as many targets as rows, and no row index
     */
    public Logits build() {
      if (rowIndex == null && targets.size(0) != data.size(0)) {
        throw Checks.unexpected("targets", Shapes.describe(targets.dtype(), data.size(0)), targets);
      }
      return new Logits(this);
    }
  }
}
