package org.plait;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The other JVM of {@link Jvm}: answers each argument with one line, {@code ok} or what went wrong.
 *
 * <ul>
 *   <li>{@code available:N}: whether device N can be used.
 *   <li>{@code cpu}: whether a policy step runs on the CPU.
 *   <li>{@code row_stats}, {@code token_objective}, {@code policy_step}: whether the kernel on
 *       device 0, in host memory that is said to be the device's, gives what the CPU gives.
 * </ul>
 */
final class CudaProbe {
  static final String ANSWER = "answer: ";

  /** Relative, or absolute below 1: a small entropy is the difference of larger numbers. */
  private static final double TOLERANCE = 1e-6;

  private CudaProbe() {}

  public static void main(String[] questions) {
    for (String question : questions) {
      System.out.println(ANSWER + answer(question).replace('\n', '|'));
    }
  }

  private static String answer(String question) {
    try {
      if (question.startsWith("available:")) {
        int ordinal = Integer.parseInt(question.substring(question.indexOf(':') + 1));
        return Objects.requireNonNullElse(Backend.cuda(ordinal).unavailableReason(), "ok");
      }
      return switch (question) {
        case "cpu" -> finite(policyStep(Backend.cpu()));
        case "row_stats" -> difference(rowStats(Backend.cpu()), rowStats(Backend.cuda(0)));
        case "token_objective" ->
            difference(tokenObjective(Backend.cpu()), tokenObjective(Backend.cuda(0)));
        case "policy_step" -> difference(policyStep(Backend.cpu()), policyStep(Backend.cuda(0)));
        default -> "not a question";
      };
    } catch (PlaitException e) {
      return e.code() + " " + e.getMessage();
    } catch (RuntimeException e) {
      return e.toString();
    }
  }

  private static double[][] rowStats(Backend backend) {
    StepFixture step = fixture();
    step.targets.setLong(1, StepFixture.V);
    RowStats.Output out = RowStats.Output.allocate(StepFixture.T);
    TensorView bad = TensorView.copyOf(77L);
    RowStats.Output there =
        new RowStats.Output(
            at(backend, given(out.logProbs())),
            at(backend, given(out.entropy())),
            at(backend, given(out.logSumExp())),
            at(backend, given(out.state())));
    RowStats.compute(backend, logits(backend, step), there, at(backend, bad));
    return new double[][] {
      doubles(given(out.logProbs())),
      doubles(given(out.entropy())),
      doubles(given(out.logSumExp())),
      doubles(given(out.state())),
      {bad.getLong(0)}
    };
  }

  private static double[][] tokenObjective(Backend backend) {
    StepFixture step = fixture();
    TokenObjective.Output out = TokenObjective.Output.allocate(StepFixture.T);
    TensorView memory = TensorView.allocate(DType.UINT8, Metrics.BYTES);
    Metrics metrics = Metrics.at(at(backend, memory));
    TokenObjective.compute(
        backend,
        batch(backend, step),
        step.objective,
        step.normalizers,
        at(backend, step.oldLogProbs),
        at(backend, StepFixture.filled(StepFixture.T, 1.5f)),
        new TokenObjective.Output(
            at(backend, given(out.c())),
            at(backend, given(out.h())),
            at(backend, given(out.tokenLoss()))),
        metrics,
        at(backend, step.workspace));
    metrics.read(memory);
    return new double[][] {
      doubles(given(out.c())),
      doubles(given(out.h())),
      doubles(given(out.tokenLoss())),
      doubles(metrics)
    };
  }

  private static double[][] policyStep(Backend backend) {
    StepFixture step = fixture();
    TensorView memory = TensorView.allocate(DType.UINT8, Metrics.BYTES);
    Metrics metrics = Metrics.at(at(backend, memory));
    PolicyStep.compute(
        backend,
        logits(backend, step),
        batch(backend, step),
        step.objective,
        step.normalizers,
        new PolicyStep.Output(
            at(backend, step.dLogits),
            at(backend, step.logProbs),
            at(backend, step.entropy),
            at(backend, step.tokenLoss)),
        metrics,
        at(backend, step.workspace));
    metrics.read(memory);
    return new double[][] {
      doubles(step.dLogits),
      doubles(step.logProbs),
      doubles(step.entropy),
      doubles(step.tokenLoss),
      doubles(metrics)
    };
  }

  private static StepFixture fixture() {
    StepFixture step = new StepFixture();
    step.objective = HybridObjectives.luffy();
    step.normalizers = Normalizers.NONE.withLength(8);
    return step;
  }

  private static Logits logits(Backend backend, StepFixture step) {
    return Logits.builder(at(backend, step.data), at(backend, step.targets))
        .temperature(step.temperature)
        .build();
  }

  private static TokenBatch batch(Backend backend, StepFixture step) {
    return TokenBatch.builder(StepFixture.T)
        .offsets(at(backend, step.offsets))
        .roles(at(backend, step.roles))
        .advantages(at(backend, step.advantages))
        .oldLogProbs(at(backend, step.oldLogProbs))
        .build();
  }

  /** Host memory, said to be where the backend is. */
  static TensorView at(Backend backend, TensorView view) {
    long[] shape =
        view.rank() == 1 ? new long[] {view.size(0)} : new long[] {view.size(0), view.size(1)};
    return TensorView.ofAddress(
        view.address(), view.dtype(), shape, view.rowStride(), backend.device(), view.owner());
  }

  private static TensorView given(@Nullable TensorView view) {
    return Objects.requireNonNull(view);
  }

  private static double[] doubles(TensorView view) {
    float[] values = view.toFloats();
    double[] result = new double[values.length];
    for (int i = 0; i < result.length; i++) {
      result[i] = values[i];
    }
    return result;
  }

  private static double[] doubles(Metrics metrics) {
    return metrics.toMap().values().stream().mapToDouble(Double::doubleValue).toArray();
  }

  private static String finite(double[][] results) {
    for (double value : results[0]) {
      if (!Double.isFinite(value)) {
        return "the gradient has a " + value;
      }
    }
    return "ok";
  }

  private static String difference(double[][] expected, double[][] found) {
    boolean zero = true;
    for (int i = 0; i < expected.length; i++) {
      for (int j = 0; j < expected[i].length; j++) {
        double e = expected[i][j];
        double f = found[i][j];
        zero &= e == 0;
        boolean same =
            Double.compare(e, f) == 0
                || Math.abs(e - f) <= TOLERANCE * Math.max(1, Math.max(Math.abs(e), Math.abs(f)));
        if (!same) {
          return "output " + i + " has " + f + " at " + j + ", the CPU " + e;
        }
      }
    }
    return zero ? "everything is zero" : "ok";
  }
}
