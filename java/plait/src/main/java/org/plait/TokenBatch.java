package org.plait;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;
import org.plait.internal.NativeLibrary;
import org.plait.internal.StructWriter;
import org.plait.internal.Structs;

/**
 * What an objective knows about T tokens besides their log-probabilities: sequences, {@link Role}s,
 * advantages, and the log-probabilities of the behaviour and reference policies and of the sampler.
 * All of it is constant to the gradient.
 *
 * <p>A batch is packed: sequence i is the tokens {@code offsets[i]} to {@code offsets[i + 1] - 1}.
 * A padded batch is the special case whose padding is {@link Role#IGNORED}.
 *
 * <p>Kernels read the values at the time of the call; only addresses and shapes are fixed here.
 * Immutable and thread-safe.
 */
public final class TokenBatch {
  private final long tokens;
  private final int device;
  private final @Nullable TensorView offsets;
  private final @Nullable TensorView roles;
  private final @Nullable TensorView advantages;
  private final boolean advantagePerSequence;
  private final @Nullable TensorView oldLogProbs;
  private final @Nullable TensorView referenceLogProbs;
  private final @Nullable TensorView samplerLogProbs;
  private final ByteBuffer struct = Structs.allocate(Structs.TOKEN_BATCH_SIZE);
  private final long structAddress;

  private TokenBatch(Builder builder) {
    tokens = builder.tokens;
    device = builder.device;
    offsets = builder.offsets;
    roles = builder.roles;
    advantages = builder.advantages;
    advantagePerSequence = builder.advantagePerSequence;
    oldLogProbs = builder.oldLogProbs;
    referenceLogProbs = builder.referenceLogProbs;
    samplerLogProbs = builder.samplerLogProbs;
    requireOpen();
    StructWriter.put(struct, this);
    structAddress = NativeLibrary.address(struct, 1);
  }

  /**
   * Starts with one sequence of rollout tokens, and nothing else.
   *
   * @param tokens T, at least 0
   * @return a builder
   */
  public static Builder builder(long tokens) {
    return new Builder(tokens);
  }

  /**
   * Returns the number of tokens.
   *
   * @return T
   */
  public long tokens() {
    return tokens;
  }

  /**
   * Returns the number of sequences.
   *
   * @return B, or 0 if there are no {@link #offsets()}, when all tokens are one sequence
   */
  public long sequences() {
    return offsets == null ? 0 : offsets.size(0) - 1;
  }

  /**
   * Returns where sequences start and end.
   *
   * @return INT64 [B + 1], or null if all tokens are one sequence
   */
  public @Nullable TensorView offsets() {
    return offsets;
  }

  /**
   * Returns the role of each token.
   *
   * @return UINT8 [T], or null if all are {@link Role#ROLLOUT}
   */
  public @Nullable TensorView roles() {
    return roles;
  }

  /**
   * Returns the advantages.
   *
   * @return FLOAT32 [B] if {@link #advantagePerSequence()}, else [T], or null if there are none
   */
  public @Nullable TensorView advantages() {
    return advantages;
  }

  /**
   * Says what the advantages are of.
   *
   * @return true if there is one for each sequence
   */
  public boolean advantagePerSequence() {
    return advantagePerSequence;
  }

  /**
   * Returns the log-probabilities that the behaviour policy gave to the tokens.
   *
   * @return FLOAT32 [T] in nats, or null if the policy is still the one that sampled: ratio 1
   */
  public @Nullable TensorView oldLogProbs() {
    return oldLogProbs;
  }

  /**
   * Returns the log-probabilities that the reference policy gives to the tokens.
   *
   * @return FLOAT32 [T] in nats, or null if there are none
   */
  public @Nullable TensorView referenceLogProbs() {
    return referenceLogProbs;
  }

  /**
   * Returns the log-probabilities that the sampler reported for the tokens.
   *
   * @return FLOAT32 [T] in nats, or null if there are none
   */
  public @Nullable TensorView samplerLogProbs() {
    return samplerLogProbs;
  }

  /** Tokens and sequences. */
  @Override
  public String toString() {
    return "TokenBatch[tokens=" + tokens + ", sequences=" + sequences() + "]";
  }

  /**
   * Address of the packed structure, once nothing that it points to is known to be gone. Keeping
   * this object reachable keeps the structure, and all that it points to, alive.
   */
  long struct(int callDevice) {
    checkDevice(callDevice);
    requireOpen();
    return structAddress;
  }

  private void requireOpen() {
    Checks.address("offsets", offsets);
    Checks.address("roles", roles);
    Checks.address(advantagePerSequence ? "sequenceAdvantages" : "advantages", advantages);
    Checks.address("oldLogProbs", oldLogProbs);
    Checks.address("referenceLogProbs", referenceLogProbs);
    Checks.address("samplerLogProbs", samplerLogProbs);
  }

  void checkDevice(int callDevice) {
    if (device != callDevice && device != Builder.ANY_DEVICE) {
      throw new IllegalArgumentException(
          "batch: expected views on %s, got them on %s"
              .formatted(Backend.deviceName(callDevice), Backend.deviceName(device)));
    }
  }

  /** Builds {@link TokenBatch}es. Confined to one thread. */
  public static final class Builder {
    private static final int ANY_DEVICE = Integer.MIN_VALUE;

    private final long tokens;
    private int device = ANY_DEVICE;
    private @Nullable TensorView offsets;
    private @Nullable TensorView roles;
    private @Nullable TensorView advantages;
    private boolean advantagePerSequence;
    private @Nullable TensorView oldLogProbs;
    private @Nullable TensorView referenceLogProbs;
    private @Nullable TensorView samplerLogProbs;

    private Builder(long tokens) {
      if (tokens < 0) {
        throw new IllegalArgumentException("tokens: expected at least 0, got " + tokens);
      }
      this.tokens = tokens;
    }

    /**
     * Sets where sequences start and end.
     *
     * @param offsets INT64 [B + 1], from 0 to T and never decreasing, which the kernels check
     * @return this
     */
    public Builder offsets(TensorView offsets) {
      if (offsets == null
          || offsets.dtype() != DType.INT64
          || offsets.rank() != 1
          || offsets.size(0) < 1) {
        throw Checks.unexpected("offsets", "INT64 [sequences + 1]", offsets);
      }
      this.offsets = on("offsets", offsets);
      return this;
    }

    /**
     * Sets the role of each token.
     *
     * @param roles UINT8 [T] of {@link Role#code()}s, which the kernels check
     * @return this
     */
    public Builder roles(TensorView roles) {
      this.roles = perToken("roles", roles, DType.UINT8);
      return this;
    }

    /**
     * Sets an advantage for each token.
     *
     * @param advantages FLOAT32 [T]
     * @return this
     */
    public Builder advantages(TensorView advantages) {
      this.advantages = perToken("advantages", advantages, DType.FLOAT32);
      this.advantagePerSequence = false;
      return this;
    }

    /**
     * Sets an advantage for each sequence, which holds for all of its tokens.
     *
     * @param advantages FLOAT32 [B], or [1] without offsets
     * @return this
     */
    public Builder sequenceAdvantages(TensorView advantages) {
      if (advantages == null || advantages.dtype() != DType.FLOAT32 || advantages.rank() != 1) {
        throw Checks.unexpected("sequenceAdvantages", "FLOAT32 [sequences]", advantages);
      }
      this.advantages = on("sequenceAdvantages", advantages);
      this.advantagePerSequence = true;
      return this;
    }

    /**
     * Sets the log-probabilities of the behaviour policy. Without them the importance ratio is 1.
     *
     * @param oldLogProbs FLOAT32 [T] in nats, at the temperature of the logits
     * @return this
     */
    public Builder oldLogProbs(TensorView oldLogProbs) {
      this.oldLogProbs = perToken("oldLogProbs", oldLogProbs, DType.FLOAT32);
      return this;
    }

    /**
     * Sets the log-probabilities of the reference policy, for objectives with a KL term.
     *
     * @param referenceLogProbs FLOAT32 [T] in nats
     * @return this
     */
    public Builder referenceLogProbs(TensorView referenceLogProbs) {
      this.referenceLogProbs = perToken("referenceLogProbs", referenceLogProbs, DType.FLOAT32);
      return this;
    }

    /**
     * Sets the log-probabilities that the sampler reported, for objectives with a {@link
     * SamplerCorrection}, which needs the old ones too, and for the metrics of their difference.
     *
     * @param samplerLogProbs FLOAT32 [T] in nats, at the temperature of the logits
     * @return this
     */
    public Builder samplerLogProbs(TensorView samplerLogProbs) {
      this.samplerLogProbs = perToken("samplerLogProbs", samplerLogProbs, DType.FLOAT32);
      return this;
    }

    /**
     * Builds the batch.
     *
     * @return an immutable batch
     * @throws IllegalArgumentException if there are not as many sequence advantages as sequences
     */
    public TokenBatch build() {
      if (advantages != null && advantagePerSequence) {
        Checks.vector(
            "sequenceAdvantages",
            advantages,
            DType.FLOAT32,
            offsets == null ? 1 : offsets.size(0) - 1,
            advantages.device());
      }
      return new TokenBatch(this);
    }

    private TensorView perToken(String name, TensorView view, DType dtype) {
      Checks.vector(name, view, dtype, tokens, view == null ? ANY_DEVICE : view.device());
      return on(name, view);
    }

    private TensorView on(String name, TensorView view) {
      if (device == ANY_DEVICE) {
        device = view.device();
      }
      Checks.device(name, view, device);
      return view;
    }
  }
}
