package org.plait.benchmarks;

import java.util.Random;
import org.bytedeco.pytorch.AbstractTensor;
import org.bytedeco.pytorch.Tensor;
import org.plait.Role;
import org.plait.TensorView;
import org.plait.TokenBatch;

/**
 * A batch of eight sequences, one step away from the policy that sampled them, for Plait and for
 * PyTorch. Ratios stay inside the clip range, because a clipped token costs Plait less: its
 * gradient is zero.
 *
 * @param tokens for Plait
 * @param inputs the same for PyTorch
 * @param length of each sequence
 */
record ObjectiveBatch(TokenBatch tokens, TorchLosses.Inputs inputs, int length)
    implements AutoCloseable {
  static final int SEQUENCES = 8;

  /**
   * A batch for an objective, around the policy's log-probs; of mixed ones every other sequence is
   * a demonstration. The sampler's log-probs come with the correction alone, since Plait measures
   * the mismatch wherever it has them.
   */
  static ObjectiveBatch around(float[] logProbs, StepObjective objective) {
    boolean mixed = objective.mixed();
    int count = logProbs.length;
    int length = count / SEQUENCES;
    Random random = new Random(1);
    Role[] roles = new Role[count];
    long[] offsets = new long[SEQUENCES + 1];
    float[] advantages = new float[SEQUENCES];
    float[] old = new float[count];
    float[] sampler = new float[count];
    float[] ofToken = new float[count];
    float[] mask = new float[count];
    float[] demonstration = new float[count];
    for (int i = 0; i < SEQUENCES; i++) {
      offsets[i + 1] = offsets[i] + length;
      boolean isDemonstration = mixed && i % 2 == 1;
      // SRFT's rollouts have 1 and -1.
      advantages[i] = mixed ? i % 4 == 0 ? 1 : -1 : (float) random.nextGaussian();
      for (int t = i * length; t < (i + 1) * length; t++) {
        roles[t] = isDemonstration ? Role.DEMONSTRATION : Role.ROLLOUT;
        old[t] = logProbs[t] + 0.2f * random.nextFloat() - 0.1f;
        sampler[t] = old[t] + 0.02f * (float) random.nextGaussian();
        ofToken[t] = advantages[i];
        mask[t] = 1;
        demonstration[t] = isDemonstration ? 1 : 0;
      }
    }
    TokenBatch.Builder tokens =
        TokenBatch.builder(count)
            .offsets(TensorView.copyOf(offsets))
            .roles(TensorView.copyOf(roles))
            .sequenceAdvantages(TensorView.copyOf(advantages))
            .oldLogProbs(TensorView.copyOf(old));
    if (objective == StepObjective.GRPO_TIS) {
      tokens.samplerLogProbs(TensorView.copyOf(sampler));
    }
    TorchLosses.Inputs inputs =
        new TorchLosses.Inputs(
            table(mask), table(demonstration), table(ofToken), table(old), table(sampler));
    return new ObjectiveBatch(tokens.build(), inputs, length);
  }

  /** [sequences, length]. */
  static Tensor table(float[] values) {
    return AbstractTensor.create(values, SEQUENCES, values.length / SEQUENCES);
  }

  @Override
  public void close() {
    inputs.close();
  }
}
