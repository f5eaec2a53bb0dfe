package org.plait.torch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.plait.torch.Tensors.gaussian;
import static org.plait.torch.Tensors.leaf;
import static org.plait.torch.Tensors.tokens;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.plait.Backend;
import org.plait.DType;
import org.plait.KlEstimator;
import org.plait.Logits;
import org.plait.LogitsGrad;
import org.plait.Metrics;
import org.plait.Normalizers;
import org.plait.Objective;
import org.plait.RowStats;
import org.plait.Rule;
import org.plait.TensorView;
import org.plait.Term;
import org.plait.TokenBatch;

/** Values and gradients against PyTorch's own operations and autograd. */
class TorchReferenceTest {
  private static final int T = 48;
  private static final int V = 997;
  private static final float TEMPERATURE = 0.7f;
  private static final List<torch.ScalarType> TYPES =
      List.of(torch.ScalarType.Float, torch.ScalarType.BFloat16, torch.ScalarType.Half);

  static List<torch.ScalarType> types() {
    return TYPES;
  }

  static List<Arguments> objectives() {
    List<Arguments> cases = new ArrayList<>();
    for (torch.ScalarType type : TYPES) {
      cases.add(Arguments.of("SFT", type, Objective.sft()));
      cases.add(Arguments.of("REINFORCE", type, Objective.reinforce()));
      cases.add(Arguments.of("PPO", type, Objective.ppo()));
      cases.add(Arguments.of("DAPO with its dual clip at 2", type, dual()));
      for (KlEstimator estimator : KlEstimator.values()) {
        Objective objective =
            Objective.ppo().toBuilder().kl(estimator, 0.3f).entropyBonus(0.05f).build();
        cases.add(Arguments.of("PPO, entropy bonus and KL " + estimator, type, objective));
      }
      cases.add(Arguments.of("entropy alone", type, entropyAlone()));
    }
    return cases;
  }

  @ParameterizedTest(name = "{0} on {1}")
  @MethodSource("objectives")
  void aStepHasTheLossAndGradientOfTheTextbook(
      String name, torch.ScalarType type, Objective objective) {
    try (PointerScope scope = new PointerScope()) {
      Tensor logits = gaussian(1, 3, T, V).to(type);
      Tensor targets = tokens(2, T, V);
      Tensor advantages = gaussian(3, 1, T);
      Textbook now = Textbook.of(logits.to(torch.ScalarType.Double), targets, TEMPERATURE);
      // Log-ratios spread widely enough that every kind of clip acts.
      Tensor old = now.logProbs().to(torch.ScalarType.Float).add(gaussian(4, 0.6, T));
      Tensor reference = now.logProbs().to(torch.ScalarType.Float).add(gaussian(5, 0.5, T));
      Tensor exactLogits = leaf(logits, torch.ScalarType.Double);
      Tensor textLogits = leaf(logits, torch.ScalarType.Float);
      double exact = loss(exactLogits, targets, objective.rollout(), advantages, old, reference);
      double text = loss(textLogits, targets, objective.rollout(), advantages, old, reference);

      TokenBatch batch =
          TokenBatch.builder(T)
              .advantages(TorchPlait.view(advantages))
              .oldLogProbs(TorchPlait.view(old))
              .referenceLogProbs(TorchPlait.view(reference))
              .build();
      try (TorchStep step = new TorchStep(Backend.cpu(), objective, TEMPERATURE)) {
        Tensor dLogits = step.step(logits, targets, batch, Normalizers.NONE);
        assertEquals(type, dLogits.scalar_type().intern());
        Accuracy.check("gradient", dLogits, textLogits.grad(), exactLogits.grad());
        Textbook single = Textbook.of(textLogits, targets, TEMPERATURE);
        Accuracy.check("log-prob", step.logProbs(), single.logProbs(), now.logProbs());
        Accuracy.check("entropy", step.entropy(), single.entropy(), now.entropy());
        Metrics metrics = step.metrics();
        double allowed = Math.max(2 * Math.abs(text - exact), 1e-6 * metrics.lossMagnitude());
        assertTrue(metrics.lossMagnitude() > 0.01);
        assertEquals(exact, metrics.loss(), allowed);
        everyClipOfTheRuleActs(objective.rollout(), metrics);
      }
      scope.deallocate();
    }
  }

  @ParameterizedTest
  @MethodSource("types")
  void anyTwoNumbersPerTokenGiveTheGradientOfAutograd(torch.ScalarType type) {
    try (PointerScope scope = new PointerScope()) {
      Tensor logits = gaussian(6, 3, T, V).to(type);
      Tensor targets = tokens(7, T, V).to(torch.ScalarType.Int);
      Tensor c = gaussian(8, 1, T);
      Tensor h = gaussian(9, 1, T);
      Logits view =
          Logits.builder(TorchPlait.view(logits), TorchPlait.view(targets))
              .temperature(TEMPERATURE)
              .build();
      Tensor logSumExp = torch.empty(T);
      TensorView state = TensorView.allocate(DType.FLOAT32, T, RowStats.STATE_FLOATS);
      assertEquals(
          0,
          RowStats.compute(
              Backend.cpu(),
              view,
              new RowStats.Output(null, null, TorchPlait.view(logSumExp), state)));
      Tensor dLogits = torch.empty_like(logits);
      assertEquals(
          0,
          LogitsGrad.compute(
              Backend.cpu(),
              view,
              state,
              TorchPlait.view(c),
              TorchPlait.view(h),
              TorchPlait.view(dLogits)));
      Tensor exact = leaf(logits, torch.ScalarType.Double);
      Tensor text = leaf(logits, torch.ScalarType.Float);
      combination(exact, targets, c, h).backward();
      combination(text, targets, c, h).backward();
      Accuracy.check("gradient", dLogits, text.grad(), exact.grad());
      Accuracy.check("logsumexp", logSumExp, logSumExp(text), logSumExp(exact));
      scope.deallocate();
    }
  }

  @Test
  void theCriterionNoticesAWrongSign() {
    Tensor exact = gaussian(1, 1, 100).to(torch.ScalarType.Double).div(Tensors.scalar(3));
    Tensor text = exact.to(torch.ScalarType.Float);
    Accuracy.check("itself", text, text, exact);
    Tensor wrong = text.clone();
    wrong.narrow(0, 50, 1).mul_(Tensors.scalar(-1));
    assertThrows(AssertionError.class, () -> Accuracy.check("wrong", wrong, text, exact));
    Tensor coarse = text.to(torch.ScalarType.BFloat16).to(torch.ScalarType.Float);
    assertThrows(AssertionError.class, () -> Accuracy.check("coarse", coarse, text, exact));
  }

  private static double loss(
      Tensor logits, Tensor targets, Rule rule, Tensor advantages, Tensor old, Tensor reference) {
    Tensor loss = Textbook.of(logits, targets, TEMPERATURE).loss(rule, advantages, old, reference);
    loss.backward();
    return loss.item_double();
  }

  private static Tensor combination(Tensor logits, Tensor targets, Tensor c, Tensor h) {
    torch.ScalarType type = logits.scalar_type().intern();
    Textbook book = Textbook.of(logits, targets.to(torch.ScalarType.Long), TEMPERATURE);
    return book.logProbs().mul(c.to(type)).add(book.entropy().mul(h.to(type))).sum();
  }

  private static Tensor logSumExp(Tensor logits) {
    return torch.logsumexp(logits.div(Tensors.scalar(TEMPERATURE)), 1);
  }

  private static void everyClipOfTheRuleActs(Rule rule, Metrics metrics) {
    assertEquals(T, metrics.tokens());
    if (Float.isFinite(rule.policy().clipLow())) {
      assertTrue(metrics.clipFractionLow() > 0.05, () -> "low " + metrics);
      assertTrue(metrics.clipFractionHigh() > 0.05, () -> "high " + metrics);
      assertTrue(metrics.clipFractionLow() + metrics.clipFractionHigh() < 0.9);
    }
    if (Float.isFinite(rule.policy().dualClip())) {
      assertTrue(metrics.dualClipFraction() > 0.02, () -> "dual " + metrics);
    }
  }

  private static Objective dual() {
    return Objective.dapo().toBuilder().dualClip(2).build();
  }

  private static Objective entropyAlone() {
    return Objective.builder().rollout(Rule.builder().entropy(Term.of(1)).build()).build();
  }
}
