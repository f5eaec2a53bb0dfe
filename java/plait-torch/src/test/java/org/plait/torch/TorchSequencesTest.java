package org.plait.torch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.plait.torch.Tensors.gaussian;
import static org.plait.torch.Tensors.leaf;
import static org.plait.torch.Tensors.scalar;
import static org.plait.torch.Tensors.tokens;

import java.util.Arrays;
import java.util.stream.Stream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.plait.Backend;
import org.plait.HybridObjectives;
import org.plait.Normalizers;
import org.plait.Objective;
import org.plait.Role;
import org.plait.TensorView;
import org.plait.TokenBatch;

/** Objectives of sequences and of several roles against autograd of their formulas. */
class TorchSequencesTest {
  private static final int SEQUENCES = 3;
  private static final int N = 8;
  private static final int T = SEQUENCES * N;
  private static final int V = 257;
  private static final float TEMPERATURE = 0.8f;
  private static final double LENGTH = 16;
  private static final float[] ADVANTAGES = {1.2f, -0.7f, 0.9f};

  /** The loss of one sequence. */
  private interface Formula {
    Tensor of(int sequence, Tensor logp, Tensor old, Tensor entropy, double advantage);
  }

  static Stream<Arguments> objectives() {
    Objective gspo = Objective.gspo().toBuilder().clip(0.9f, 9).build();
    return Stream.of(
        Arguments.of("GSPO", gspo, (Formula) TorchSequencesTest::gspo),
        Arguments.of("TRL's RLOO", wideRloo(), (Formula) TorchSequencesTest::rloo),
        Arguments.of("GMPO", Objective.gmpo(), (Formula) TorchSequencesTest::gmpo),
        Arguments.of("LUFFY", HybridObjectives.luffy(), (Formula) TorchSequencesTest::luffy),
        Arguments.of("SRFT", HybridObjectives.srft(), (Formula) TorchSequencesTest::srft));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("objectives")
  void aStepHasTheLossAndGradientOfTheFormula(String name, Objective objective, Formula formula) {
    boolean demonstrates = objective.demonstration().isOn();
    try (PointerScope scope = new PointerScope()) {
      Tensor logits = gaussian(1, 2, T, V);
      Tensor targets = tokens(2, T, V);
      Tensor now = Textbook.of(logits.to(torch.ScalarType.Double), targets, TEMPERATURE).logProbs();
      Tensor old = now.to(torch.ScalarType.Float).add(gaussian(4, 0.3, T));
      Tensor exact = leaf(logits, torch.ScalarType.Double);
      Tensor text = leaf(logits, torch.ScalarType.Float);
      double loss = backward(exact, targets, old, formula);
      backward(text, targets, old, formula);

      Role[] roles = new Role[T];
      Arrays.fill(roles, Role.ROLLOUT);
      Arrays.fill(roles, 2 * N, T, demonstrates ? Role.DEMONSTRATION : Role.ROLLOUT);
      TokenBatch batch =
          TokenBatch.builder(T)
              .offsets(TensorView.copyOf(0L, N, 2 * N, T))
              .roles(TensorView.copyOf(roles))
              .sequenceAdvantages(TensorView.copyOf(ADVANTAGES))
              .oldLogProbs(TorchPlait.view(old))
              .build();
      try (TorchStep step = new TorchStep(Backend.cpu(), objective, TEMPERATURE)) {
        Normalizers normalizers = Normalizers.NONE.withLength(LENGTH);
        Tensor dLogits = step.step(logits, targets, batch, normalizers);
        Accuracy.check("gradient", dLogits, text.grad(), exact.grad());
        assertEquals(loss, step.metrics().loss(), 1e-6 * step.metrics().lossMagnitude());
      }
      scope.deallocate();
    }
  }

  private static double backward(Tensor logits, Tensor targets, Tensor old, Formula formula) {
    Textbook book = Textbook.of(logits, targets, TEMPERATURE);
    Tensor loss = torch.zeros_like(logits.narrow(0, 0, 1).narrow(1, 0, 1)).sum();
    for (int i = 0; i < SEQUENCES; i++) {
      long from = (long) i * N;
      Tensor logp = book.logProbs().narrow(0, from, N);
      Tensor before = old.narrow(0, from, N).to(logits.scalar_type().intern());
      Tensor entropy = book.entropy().narrow(0, from, N).detach();
      loss = loss.add(formula.of(i, logp, before, entropy, ADVANTAGES[i]));
    }
    loss.backward();
    return loss.item_double();
  }

  private static Objective wideRloo() {
    return Objective.rlooTrl().toBuilder().clip(0.99f, 99).build();
  }

  private static Tensor gspo(int i, Tensor logp, Tensor old, Tensor entropy, double advantage) {
    return logp.sub(old).mean().exp().mul(scalar(-advantage / SEQUENCES));
  }

  private static Tensor rloo(int i, Tensor logp, Tensor old, Tensor entropy, double advantage) {
    return logp.sub(old).sum().exp().mul(scalar(-advantage / SEQUENCES));
  }

  private static Tensor gmpo(int i, Tensor logp, Tensor old, Tensor entropy, double advantage) {
    Tensor d = logp.sub(old);
    Tensor bound = torch.full_like(d, scalar(advantage > 0 ? 0.4f : -0.4f));
    Tensor bounded = advantage > 0 ? torch.minimum(d, bound) : torch.maximum(d, bound);
    return bounded.mean().exp().mul(scalar(-advantage / SEQUENCES));
  }

  private static Tensor luffy(int i, Tensor logp, Tensor old, Tensor entropy, double advantage) {
    Tensor value = i == 2 ? shaped(logp.exp()) : logp.sub(old).exp();
    return value.sum().mul(scalar(-advantage / LENGTH));
  }

  private static Tensor shaped(Tensor p) {
    return p.div(p.add(scalar(0.1f)));
  }

  private static Tensor srft(int i, Tensor logp, Tensor old, Tensor entropy, double advantage) {
    Tensor h = entropy.mean();
    if (i < 2) {
      Tensor loss = logp.sum().mul(scalar(-advantage / (2 * N)));
      return advantage > 0 ? loss.mul(h.exp().mul(scalar(0.1f))) : loss;
    }
    Tensor sft = logp.sum().mul(h.neg().exp()).mul(scalar(-0.5));
    Tensor rl = logp.exp().sum().mul(scalar(-advantage));
    return sft.add(rl).mul(scalar(1.0 / N));
  }
}
