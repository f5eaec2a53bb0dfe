package org.plait.lab.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;

class SamplerTest {

  private static final int EOS = 57;
  private static final int PAD = 58;
  private static final int PROMPT = 7;

  private final Gpt model = Gpt.forInference(GptTest.parameters());

  private static List<int[]> prompts(int count) {
    SplittableRandom random = new SplittableRandom(3);
    List<int[]> prompts = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int[] prompt = new int[PROMPT];
      Arrays.setAll(prompt, at -> random.nextInt(50));
      prompts.add(prompt);
    }
    return prompts;
  }

  private List<int[]> sample(List<int[]> prefixes, int threads) {
    try (Workers workers = new Workers(threads)) {
      return new Sampler(model, workers, EOS, PAD).sample(prefixes, PROMPT, SplittableRandom::new);
    }
  }

  @Test
  void samplesDoNotDependOnThreads() {
    List<int[]> prompts = prompts(150);
    List<int[]> one = sample(prompts, 1);
    List<int[]> three = sample(prompts, 3);
    for (int i = 0; i < prompts.size(); i++) {
      assertArrayEquals(one.get(i), three.get(i));
    }
    assertFalse(Arrays.equals(one.get(0), one.get(1)));
  }

  @Test
  void prefixesAreKeptAndContinued() {
    List<int[]> prefixes = new ArrayList<>();
    for (int[] prompt : prompts(20)) {
      int[] hinted = Arrays.copyOf(prompt, PROMPT + prefixes.size() % 6);
      Arrays.fill(hinted, PROMPT, hinted.length, 42);
      prefixes.add(hinted);
    }
    List<int[]> sampled = sample(prefixes, 2);
    for (int i = 0; i < prefixes.size(); i++) {
      int[] prefix = prefixes.get(i);
      assertArrayEquals(prefix, Arrays.copyOf(sampled.get(i), prefix.length));
      assertEquals(GptTest.CONFIG.context(), sampled.get(i).length);
    }
  }

  @Test
  void nothingFollowsTheEnd() {
    int ended = 0;
    for (int[] sequence : sample(prompts(200), 2)) {
      int end = IntStream.range(PROMPT, 25).filter(i -> sequence[i] == EOS).findFirst().orElse(25);
      ended += end < 24 ? 1 : 0;
      for (int i = end + 1; i < sequence.length; i++) {
        assertEquals(PAD, sequence[i]);
      }
    }
    assertFalse(ended < 10, "too few sequences ended early to tell");
  }

  @Test
  void greedyTokensAreTheMostProbableOfTheFullForwardPass() {
    List<int[]> prompts = prompts(3);
    List<int[]> greedy;
    try (Workers workers = new Workers(1)) {
      greedy = new Sampler(model, workers, EOS, PAD).greedy(prompts, PROMPT);
    }
    for (int[] sequence : greedy) {
      for (int at = PROMPT; at < sequence.length && sequence[at] != PAD; at++) {
        float[] logits = lastLogits(Arrays.copyOf(sequence, at));
        for (float logit : logits) {
          assertFalse(logit > logits[sequence[at]] + 1e-4f);
        }
      }
    }
  }

  @Test
  void firstTokensFollowTheSoftmax() {
    int samples = 8192;
    int[] prompt = prompts(1).get(0);
    double[] counts = new double[GptTest.CONFIG.vocabulary()];
    for (int[] sequence : sample(Collections.nCopies(samples, prompt), 2)) {
      counts[sequence[PROMPT]]++;
    }
    Tensor logits = Tensors.of(lastLogits(prompt));
    float[] probabilities = Tensors.floats(torch.softmax(logits, -1));
    double chiSquared = 0;
    for (int token = 0; token < counts.length; token++) {
      double expected = samples * probabilities[token];
      chiSquared += Math.pow(counts[token] - expected, 2) / expected;
    }
    // 58 degrees of freedom: mean 58, standard deviation 10.8.
    assertEquals(58, chiSquared, 60);
  }

  private float[] lastLogits(int[] tokens) {
    long[] longs = Arrays.stream(tokens).asLongStream().toArray();
    return Tensors.floats(
        model.logits(
            Tensors.of(longs, 1, longs.length), Tensors.of(new long[] {longs.length - 1}, 1)));
  }
}
