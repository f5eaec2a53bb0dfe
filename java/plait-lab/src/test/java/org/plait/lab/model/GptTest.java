package org.plait.lab.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;

class GptTest {

  static final GptConfig CONFIG = new GptConfig(59, 25, 3, 64, 4);

  private static final int BATCH = 5;

  static Parameters parameters() {
    return Parameters.initialize(CONFIG, new SplittableRandom(7));
  }

  private static long[] randomTokens(int count) {
    SplittableRandom random = new SplittableRandom(8);
    return LongStream.generate(() -> random.nextInt(CONFIG.vocabulary())).limit(count).toArray();
  }

  /** Logits at every position of a batch of full length. */
  private static float[] logits(Gpt model, long[] tokens) {
    int length = tokens.length / BATCH;
    long[] rows = LongStream.range(0, tokens.length).toArray();
    Tensor logits = model.logits(Tensors.of(tokens, BATCH, length), Tensors.of(rows, rows.length));
    return Tensors.floats(logits.detach());
  }

  @Test
  void modelOfTheSettingHas159232Parameters() {
    assertEquals(159_232, CONFIG.layout().size());
  }

  @Test
  void keyValueCacheGivesTheLogitsOfTheFullForwardPass() {
    Gpt model = Gpt.forInference(parameters());
    int length = CONFIG.context();
    int prompt = 7;
    long[] tokens = randomTokens(BATCH * length);
    float[] expected = logits(model, tokens);
    try (NoGradGuard guard = new NoGradGuard()) {
      KeyValueCache cache = new KeyValueCache(CONFIG, BATCH);
      Tensor all = Tensors.of(tokens, BATCH, length);
      int from = 0;
      for (int to = prompt; to <= length; to++) {
        float[] next =
            Tensors.floats(model.next(all.narrow(1, from, to - from).contiguous(), cache));
        for (int i = 0; i < BATCH; i++) {
          for (int v = 0; v < CONFIG.vocabulary(); v++) {
            float want = expected[(i * length + to - 1) * CONFIG.vocabulary() + v];
            assertEquals(want, next[i * CONFIG.vocabulary() + v], 1e-5f);
            assertTrue(want != 0);
          }
        }
        from = to;
      }
      assertThrows(IllegalArgumentException.class, () -> model.next(all.narrow(1, 0, 2), cache));
    }
  }

  @Test
  void tokensDoNotSeeTheFuture() {
    Gpt model = Gpt.forInference(parameters());
    int length = 12;
    long[] tokens = randomTokens(BATCH * length);
    float[] before = logits(model, tokens);
    int changedAt = 8;
    for (int i = 0; i < BATCH; i++) {
      tokens[i * length + changedAt] = (tokens[i * length + changedAt] + 1) % 59;
    }
    float[] after = logits(model, tokens);
    int vocabulary = CONFIG.vocabulary();
    for (int i = 0; i < BATCH; i++) {
      for (int at = 0; at < length; at++) {
        float difference = 0;
        for (int v = 0; v < vocabulary; v++) {
          int index = (i * length + at) * vocabulary + v;
          difference = Math.max(difference, Math.abs(before[index] - after[index]));
        }
        assertEquals(at >= changedAt, difference > 1e-4f, "position " + at);
      }
    }
  }

  @Test
  void backwardAddsToTheGradientBuffer() {
    Parameters parameters = parameters();
    Tensor gradients = parameters.zeros();
    Gpt model = Gpt.forTraining(parameters, gradients);
    long[] tokens = randomTokens(BATCH * 10);
    long[] rows = LongStream.range(0, tokens.length).toArray();
    float[] once = backward(model, gradients, tokens, rows);
    float[] twice = backward(model, gradients, tokens, rows);
    double norm = 0;
    for (int i = 0; i < once.length; i++) {
      assertEquals(2 * once[i], twice[i], 1e-4f * Math.max(1, Math.abs(once[i])));
      norm += (double) once[i] * once[i];
    }
    assertTrue(norm > 1);
  }

  private static float[] backward(Gpt model, Tensor gradients, long[] tokens, long[] rows) {
    Tensor logits = model.logits(Tensors.of(tokens, BATCH, 10), Tensors.of(rows, rows.length));
    torch.log_softmax(logits, -1).square().mean().backward();
    return Tensors.floats(gradients);
  }

  @Test
  void onlyAskedRowsPassTheHead() {
    Gpt model = Gpt.forInference(parameters());
    long[] tokens = randomTokens(BATCH * 10);
    float[] all = logits(model, tokens);
    long[] rows = {3, 17, 49};
    Tensor some = model.logits(Tensors.of(tokens, BATCH, 10), Tensors.of(rows, rows.length));
    float[] picked = new float[rows.length * CONFIG.vocabulary()];
    for (int r = 0; r < rows.length; r++) {
      System.arraycopy(
          all,
          (int) rows[r] * CONFIG.vocabulary(),
          picked,
          r * CONFIG.vocabulary(),
          CONFIG.vocabulary());
    }
    assertArrayEquals(picked, Tensors.floats(some.detach()), 1e-5f);
  }
}
