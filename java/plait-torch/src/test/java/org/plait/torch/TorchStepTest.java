package org.plait.torch;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.plait.torch.Tensors.gaussian;
import static org.plait.torch.Tensors.leaf;
import static org.plait.torch.Tensors.tokens;

import java.util.Objects;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.plait.Backend;
import org.plait.Normalizers;
import org.plait.Objective;
import org.plait.TokenBatch;

class TorchStepTest {
  private static final int T = 24;
  private static final int H = 16;
  private static final int V = 301;

  private final Tensor hidden = gaussian(1, 1, T, H);
  private final Tensor weight = gaussian(2, 0.5, V, H);
  private final Tensor bias = gaussian(3, 0.5, V);
  private final Tensor targets = tokens(4, T, V);
  private final Tensor advantages = gaussian(5, 1, T);
  private final Tensor old =
      Textbook.of(torch.linear(hidden, weight, bias), targets, 1)
          .logProbs()
          .add(gaussian(6, 0.3, T));
  private final Objective objective = Objective.ppo().toBuilder().entropyBonus(0.1f).build();

  @Test
  void backwardFromTheStepGivesTheParametersTheGradientsOfAutograd() {
    Model exact = new Model(torch.ScalarType.Double);
    Model text = new Model(torch.ScalarType.Float);
    for (Model model : new Model[] {exact, text}) {
      Textbook.of(model.logits(), targets, 1)
          .loss(objective.rollout(), advantages, old, old)
          .backward();
    }
    Model plait = new Model(torch.ScalarType.Float);
    try (TorchStep step = new TorchStep(Backend.cpu(), objective)) {
      Tensor logits = plait.logits();
      assertTrue(logits.requires_grad());
      Tensor dLogits = step.step(logits, targets, batch(), Normalizers.NONE);
      assertFalse(dLogits.requires_grad());
      TorchPlait.backward(logits, dLogits);
    }
    Accuracy.check("weight", plait.weight.grad(), text.weight.grad(), exact.weight.grad());
    Accuracy.check("bias", plait.bias.grad(), text.bias.grad(), exact.bias.grad());
  }

  @Test
  void inPlaceOverDetachedLogitsGivesTheSameGradientsWithoutMemory() {
    Model outOfPlace = new Model(torch.ScalarType.Float);
    Model inPlace = new Model(torch.ScalarType.Float);
    try (TorchStep step = new TorchStep(Backend.cpu(), objective)) {
      Tensor logits = outOfPlace.logits();
      TorchPlait.backward(logits, step.step(logits, targets, batch(), Normalizers.NONE));
      logits = inPlace.logits();
      Tensor detached = logits.detach();
      Tensor dLogits = step.stepInPlace(detached, targets, batch(), Normalizers.NONE);
      assertSame(detached, dLogits);
      assertEquals(logits.data_ptr().address(), dLogits.data_ptr().address());
      TorchPlait.backward(logits, dLogits);
    }
    assertArrayEquals(
        Tensors.floats(outOfPlace.weight.grad()), Tensors.floats(inPlace.weight.grad()));
    assertTrue(Tensors.largest(Tensors.values(inPlace.weight.grad())) > 1e-3);
  }

  @Test
  void inPlaceOverLogitsThatAutogradOwnsIsRefusedAndLeavesThemAlone() {
    Tensor logits = new Model(torch.ScalarType.Float).logits();
    float[] before = Tensors.floats(logits);
    try (TorchStep step = new TorchStep(Backend.cpu(), objective)) {
      String message =
          message(
              assertThrows(
                  IllegalArgumentException.class,
                  () -> step.stepInPlace(logits, targets, batch(), Normalizers.NONE)));
      assertTrue(
          message.startsWith("logits: expected a tensor that does not require grad"), message);
      assertTrue(message.contains("detach()"), message);
    }
    assertArrayEquals(before, Tensors.floats(logits));
  }

  @Test
  void whatTheStepKeepsSurvivesTheScopeOfTheCall() {
    Tensor logits = gaussian(7, 2, T, V);
    try (TorchStep step = new TorchStep(Backend.cpu(), objective)) {
      float[] expected;
      try (PointerScope scope = new PointerScope()) {
        Tensor dLogits = step.step(logits, targets, batch(), Normalizers.NONE);
        expected = Tensors.floats(step.logProbs());
        scope.attach(dLogits);
      }
      assertArrayEquals(expected, Tensors.floats(step.logProbs()));
      assertNotEquals(0, expected[0]);
      double loss = step.metrics().loss();
      step.step(logits, targets, batch(), Normalizers.NONE);
      assertEquals(loss, step.metrics().loss());
    }
  }

  @Test
  void stepsOfOtherLengthsReuseTheStep() {
    // In two passes: the second needs what the first found for every token.
    Objective gspo = Objective.gspo().toBuilder().clip(0.9f, 9).build();
    try (TorchStep step = new TorchStep(Backend.cpu(), gspo)) {
      for (int tokens : new int[] {1, 700, 3, 0, 700}) {
        Tensor logits = gaussian(tokens, 2, tokens, V);
        Tensor each = gaussian(2, 1, tokens);
        TokenBatch batch = TokenBatch.builder(tokens).advantages(TorchPlait.view(each)).build();
        Tensor dLogits = step.step(logits, tokens(1, tokens, V), batch, Normalizers.NONE);
        assertEquals(tokens, dLogits.size(0));
        assertEquals(tokens, step.logProbs().size(0));
        assertEquals(tokens, step.entropy().size(0));
        assertEquals(tokens, step.metrics().tokens());
      }
    }
  }

  @Test
  void aClosedStepIsLoudAndClosingTwiceIsSafe() {
    TorchStep step = new TorchStep(Backend.cpu(), objective);
    assertThrows(IllegalStateException.class, step::logProbs);
    Tensor logits = gaussian(8, 1, T, V);
    step.step(logits, targets, batch(), Normalizers.NONE);
    Tensor logProbs = step.logProbs();
    step.close();
    step.close();
    assertTrue(logProbs.isNull());
    assertThrows(IllegalStateException.class, step::logProbs);
    assertThrows(IllegalStateException.class, step::entropy);
    assertThrows(
        IllegalStateException.class, () -> step.step(logits, targets, batch(), Normalizers.NONE));
    assertThrows(
        IllegalStateException.class,
        () -> step.stepInPlace(logits, targets, batch(), Normalizers.NONE));
  }

  @Test
  void badTensorsAreRefusedByNameAndTheLogitsLeftAlone() {
    Tensor logits = gaussian(9, 1, T, V);
    float[] before = Tensors.floats(logits);
    try (TorchStep step = new TorchStep(Backend.cpu(), objective)) {
      Tensor wide = logits.to(torch.ScalarType.Double);
      refused("logits", () -> step.step(wide, targets, batch(), Normalizers.NONE));
      refused("logits", () -> step.step(logits.t(), targets, batch(), Normalizers.NONE));
      refused("logits", () -> step.step(targets, targets, batch(), Normalizers.NONE));
      refused("logits", () -> step.step(new Tensor(), targets, batch(), Normalizers.NONE));
      refused("targets", () -> step.step(logits, logits, batch(), Normalizers.NONE));
      Tensor fewer = targets.narrow(0, 0, T - 1);
      refused("targets", () -> step.stepInPlace(logits, fewer, batch(), Normalizers.NONE));
      TokenBatch other = TokenBatch.builder(T + 1).build();
      refused("batch", () -> step.stepInPlace(logits, targets, other, Normalizers.NONE));
      TokenBatch bare = TokenBatch.builder(T).build();
      refused("batch.advantages", () -> step.stepInPlace(logits, targets, bare, Normalizers.NONE));
    }
    try (TorchStep step = new TorchStep(Backend.cpu(), objective, 0)) {
      refused("temperature", () -> step.step(logits, targets, batch(), Normalizers.NONE));
    }
    assertArrayEquals(before, Tensors.floats(logits));
  }

  private TokenBatch batch() {
    return TokenBatch.builder(T)
        .advantages(TorchPlait.view(advantages))
        .oldLogProbs(TorchPlait.view(old))
        .build();
  }

  private static void refused(String argument, Runnable call) {
    String message = message(assertThrows(IllegalArgumentException.class, call::run));
    assertTrue(message.startsWith(argument + ": expected "), message);
  }

  private static String message(Throwable e) {
    return Objects.requireNonNull(e.getMessage());
  }

  /** One linear layer: the smallest model with parameters behind its logits. */
  private final class Model {
    private final Tensor input;
    private final Tensor weight;
    private final Tensor bias;

    Model(torch.ScalarType type) {
      input = hidden.to(type);
      weight = leaf(TorchStepTest.this.weight, type);
      bias = leaf(TorchStepTest.this.bias, type);
    }

    Tensor logits() {
      return torch.linear(input, weight, bias);
    }
  }
}
