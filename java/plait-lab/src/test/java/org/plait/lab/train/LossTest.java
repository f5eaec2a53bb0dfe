package org.plait.lab.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.plait.Aggregation;
import org.plait.KlEstimator;
import org.plait.Normalizers;
import org.plait.Objective;
import org.plait.TokenBatch;
import org.plait.lab.countdown.Generator;
import org.plait.lab.countdown.Problem;
import org.plait.lab.countdown.Vocabulary;
import org.plait.lab.model.Tensors;

/**
 * The kernel and textbook PyTorch must be the same loss, or comparing runs with both means nothing.
 */
class LossTest {

  private static final int SEQUENCES = 12;

  private static List<TrainingSequence> sequences(boolean rollouts) {
    SplittableRandom random = new SplittableRandom(5);
    List<TrainingSequence> sequences = new ArrayList<>();
    for (int i = 0; i < SEQUENCES; i++) {
      TrainingSequence demonstration =
          TrainingSequence.demonstration(Generator.draw(3 + i % 2, random));
      int[] tokens = new int[demonstration.length()];
      for (int at = 0; at < tokens.length; at++) {
        tokens[at] = demonstration.token(at);
      }
      sequences.add(
          rollouts
              ? TrainingSequence.rollout(tokens, (float) random.nextGaussian())
              : demonstration);
    }
    return sequences;
  }

  private static float[] noise(int count, double mean, double std, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) (mean + std * random.nextGaussian());
    }
    return values;
  }

  private static void assertSame(Shard shard, Objective objective) {
    Tensor logits =
        Tensors.of(noise(shard.answerTokens() * Vocabulary.SIZE, 0, 2, 1))
            .view(shard.answerTokens(), Vocabulary.SIZE);
    TokenBatch batch = shard.batch();
    // The counts of a larger batch, as a shard of one sees them.
    Normalizers counted = Normalizers.count(batch, batch, batch).withLength(25);
    try (PolicyObjectiveLoss plait = PolicyObjectiveLoss.Kind.PLAIT.create();
        PolicyObjectiveLoss torch = PolicyObjectiveLoss.Kind.TORCH.create()) {
      PolicyObjectiveLoss.Result ours = plait.compute(logits, shard, objective, counted);
      PolicyObjectiveLoss.Result theirs = torch.compute(logits, shard, objective, counted);
      float[] expected = Tensors.floats(theirs.gradient());
      assertArrayEquals(expected, Tensors.floats(ours.gradient()), 1e-6f);
      float largest = 0;
      for (float value : expected) {
        largest = Math.max(largest, Math.abs(value));
      }
      assertTrue(largest > 1e-4, "the gradient must not be trivial");
      LossMetrics a = ours.metrics();
      LossMetrics b = theirs.metrics();
      assertEquals(b.loss(), a.loss(), 1e-5);
      assertEquals(b.tokens(), a.tokens());
      assertEquals(b.entropyMean(), a.entropyMean(), 1e-5);
      assertEquals(b.policyTokens(), a.policyTokens());
      assertEquals(b.clippedLow(), a.clippedLow(), 1e-6);
      assertEquals(b.clippedHigh(), a.clippedHigh(), 1e-6);
      assertEquals(b.approxKl(), a.approxKl(), 1e-3 * (1 + Math.abs(b.approxKl())));
    }
  }

  @Test
  void sftIsTheSameByPlaitAndByPyTorch() {
    assertSame(Shard.split(sequences(false)).get(0), Objective.sft());
  }

  @ParameterizedTest
  @EnumSource
  void clippedPolicyLossIsTheSameByPlaitAndByPyTorch(Aggregation aggregation) {
    Shard shard = Shard.split(sequences(true)).get(0);
    shard.setOldLogProbs(noise(shard.answerTokens(), -5, 2, 2));
    assertSame(shard, Objective.grpo().toBuilder().aggregation(aggregation).build());
  }

  @Test
  void klAndEntropyTermsAreTheSameByPlaitAndByPyTorch() {
    Shard shard = Shard.split(sequences(true)).get(0);
    shard.setReferenceLogProbs(noise(shard.answerTokens(), -5, 1, 3));
    assertSame(
        shard, Objective.grpo().toBuilder().kl(KlEstimator.K3, 0.01f).entropyBonus(0.02f).build());
  }

  @Test
  void clippingActsOnlyOnceTheRatioHasLeftOne() {
    Shard shard = Shard.split(sequences(true)).get(0);
    Tensor logits =
        Tensors.of(noise(shard.answerTokens() * Vocabulary.SIZE, 0, 2, 1))
            .view(shard.answerTokens(), Vocabulary.SIZE);
    Normalizers counted = Normalizers.count(shard.batch());
    try (PolicyObjectiveLoss plait = PolicyObjectiveLoss.Kind.PLAIT.create()) {
      LossMetrics fresh = plait.compute(logits, shard, Objective.grpo(), counted).metrics();
      assertEquals(0, fresh.clippedLow() + fresh.clippedHigh());
      shard.setOldLogProbs(noise(shard.answerTokens(), -5, 2, 2));
      LossMetrics stale = plait.compute(logits, shard, Objective.grpo(), counted).metrics();
      assertTrue(stale.clippedLow() > 5);
      assertTrue(stale.clippedHigh() > 5);
    }
  }

  @Test
  void rolloutEndsAtItsFirstEos() {
    int[] sampled = new int[25];
    Arrays.fill(sampled, Vocabulary.PAD);
    int[] prompt = new Problem(List.of(1, 2, 3, 4), 10).prompt();
    System.arraycopy(prompt, 0, sampled, 0, prompt.length);
    sampled[7] = 3;
    sampled[8] = Vocabulary.EOS;
    assertEquals(2, TrainingSequence.rollout(sampled, 1).answerLength());
    sampled[7] = Vocabulary.EOS;
    assertEquals(1, TrainingSequence.rollout(sampled, 1).answerLength());
    Arrays.fill(sampled, 7, 25, 5);
    assertEquals(18, TrainingSequence.rollout(sampled, 1).answerLength());
  }
}
