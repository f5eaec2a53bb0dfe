package org.plait.lab.verify;

import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.plait.Baseline;
import org.plait.DType;
import org.plait.GroupAdvantage;
import org.plait.Groups;
import org.plait.TensorView;
import org.plait.TokenAdvantage;
import org.plait.TokenBatch;
import org.plait.Whitening;
import org.plait.lab.oracle.GroupAdvantageOracle;
import org.plait.lab.oracle.TokenAdvantageOracle;
import org.plait.lab.oracle.TokenProblem;

/**
 * The advantages of a case from its rewards, step by step.
 *
 * @param values [B], or [T] if perToken
 * @param perToken whether there is one per token
 * @param returns [T] of the last step that has any, or null
 */
@SuppressWarnings("ArrayRecordComponent") // plain data, never compared
record CaseAdvantages(double[] values, boolean perToken, double @Nullable [] returns) {

  /** One as each side computes it. */
  private interface Side {
    double[] group(double[] rewards, CaseInputs inputs, GroupAdvantage options);

    TokenAdvantageOracle.Result tokens(double[] rewards, CaseInputs inputs, TokenAdvantage options);

    double[] whiten(double[] x, CaseInputs inputs, Whitening options);
  }

  /** By the oracle. */
  static @Nullable CaseAdvantages oracle(CaseInputs inputs, List<AdvantageStep> steps) {
    return evaluate(inputs, steps, new Oracle());
  }

  /** By the kernels. */
  static @Nullable CaseAdvantages kernel(
      Kernels kernels, CaseInputs inputs, List<AdvantageStep> steps) {
    return evaluate(inputs, steps, new Native(kernels));
  }

  private static @Nullable CaseAdvantages evaluate(
      CaseInputs inputs, List<AdvantageStep> steps, Side side) {
    CaseInputs.Rewards rewards = inputs.rewards();
    double[] given = rewards.ofSequences() == null ? rewards.ofTokens() : rewards.ofSequences();
    if (given == null) {
      return null;
    }
    CaseAdvantages at = new CaseAdvantages(given, rewards.ofSequences() == null, null);
    for (AdvantageStep step : steps) {
      if (step instanceof AdvantageStep.Group group) {
        at = new CaseAdvantages(side.group(at.values, inputs, group.options()), false, at.returns);
      } else if (step instanceof AdvantageStep.Tokens tokens) {
        TokenAdvantageOracle.Result result =
            side.tokens(at.atLastTokens(inputs), inputs, tokens.options());
        at = new CaseAdvantages(result.advantages(), true, result.returns());
      } else if (step instanceof AdvantageStep.Whiten whiten) {
        double[] values = side.whiten(at.atTokens(inputs), inputs, whiten.options());
        at = new CaseAdvantages(values, true, at.returns);
      }
    }
    return at;
  }

  /** [T] values, those of a sequence at each of its tokens, 0 at ignored ones. */
  double[] atTokens(CaseInputs inputs) {
    double[] result =
        perToken
            ? values.clone()
            : TokenProblem.perToken(values, inputs.offsets(), inputs.tokens());
    for (int t = 0; t < result.length; t++) {
      result[t] = inputs.roles()[t] == 0 ? 0 : result[t];
    }
    return result;
  }

  private double[] atLastTokens(CaseInputs inputs) {
    if (perToken) {
      return values;
    }
    double[] result = new double[inputs.tokens()];
    for (int i = 0; i < inputs.sequences(); i++) {
      int last = (int) inputs.offsets()[i + 1] - 1;
      while (last >= inputs.offsets()[i] && inputs.roles()[last] == 0) {
        last--;
      }
      if (last >= inputs.offsets()[i]) {
        result[last] = values[i];
      }
    }
    return result;
  }

  private static int groups(CaseInputs inputs) {
    int[] groups = inputs.groups();
    return groups == null ? 1 : Arrays.stream(groups).max().orElse(-1) + 1;
  }

  /** Without groups the whole batch is one. */
  private static int[] ids(CaseInputs inputs) {
    int[] groups = inputs.groups();
    return groups == null ? new int[inputs.sequences()] : groups;
  }

  /** The weights of the weighted mean: the sequences' valid lengths unless they are given. */
  private static double @Nullable [] weights(CaseInputs inputs, GroupAdvantage options) {
    if (options.baseline() != Baseline.WEIGHTED_MEAN) {
      return null;
    }
    double[] given = inputs.rewards().weights();
    if (given != null) {
      return given;
    }
    double[] lengths = new double[inputs.sequences()];
    for (int i = 0; i < lengths.length; i++) {
      for (int t = (int) inputs.offsets()[i]; t < inputs.offsets()[i + 1]; t++) {
        lengths[i] += inputs.roles()[t] == 0 ? 0 : 1;
      }
    }
    return lengths;
  }

  private static final class Oracle implements Side {
    @Override
    public double[] group(double[] rewards, CaseInputs inputs, GroupAdvantage options) {
      return GroupAdvantageOracle.evaluate(
              new GroupAdvantageOracle.Input(
                  rewards,
                  inputs.rewards().roles(),
                  weights(inputs, options),
                  ids(inputs),
                  groups(inputs)),
              options)
          .advantages();
    }

    @Override
    public TokenAdvantageOracle.Result tokens(
        double[] rewards, CaseInputs inputs, TokenAdvantage options) {
      return TokenAdvantageOracle.evaluate(
          rewards,
          inputs.rewards().values(),
          inputs.roles(),
          inputs.offsets(),
          options.gamma(),
          options.lambda(),
          options.restart());
    }

    @Override
    public double[] whiten(double[] x, CaseInputs inputs, Whitening options) {
      return TokenAdvantageOracle.whiten(
          x, inputs.roles(), options.sample(), options.shift(), options.floor(), options.epsilon());
    }
  }

  private record Native(Kernels kernels) implements Side {
    @Override
    public double[] group(double[] rewards, CaseInputs inputs, GroupAdvantage options) {
      TensorView ids = TensorView.copyOf(Arrays.stream(ids(inputs)).asLongStream().toArray());
      GroupAdvantage.Input input =
          GroupAdvantage.Input.of(ObjectiveRun.floats(rewards), Groups.ids(ids, groups(inputs)));
      byte[] roles = inputs.rewards().roles();
      if (roles != null) {
        input = input.withRoles(ObjectiveRun.bytes(roles));
      }
      double[] weights = weights(inputs, options);
      if (weights != null) {
        input = input.withWeights(ObjectiveRun.floats(weights));
      }
      GroupAdvantage.Output out = GroupAdvantage.Output.allocate(rewards.length, groups(inputs));
      kernels.groupAdvantage(
          options,
          input,
          out,
          TensorView.allocate(DType.UINT8, GroupAdvantage.workspaceBytes(groups(inputs))));
      return CaseSuite.doubles(out.advantages().toFloats());
    }

    @Override
    public TokenAdvantageOracle.Result tokens(
        double[] rewards, CaseInputs inputs, TokenAdvantage options) {
      double[] values = inputs.rewards().values();
      TensorView advantages = TensorView.allocate(DType.FLOAT32, rewards.length);
      TensorView returns = TensorView.allocate(DType.FLOAT32, rewards.length);
      kernels.tokenAdvantage(
          options,
          batch(inputs),
          ObjectiveRun.floats(rewards),
          values == null ? null : ObjectiveRun.floats(values),
          new TokenAdvantage.Output(advantages, returns));
      return new TokenAdvantageOracle.Result(
          CaseSuite.doubles(advantages.toFloats()),
          CaseSuite.doubles(returns.toFloats()),
          new double[0]);
    }

    @Override
    public double[] whiten(double[] x, CaseInputs inputs, Whitening options) {
      TensorView view = ObjectiveRun.floats(x);
      kernels.whiten(options, batch(inputs), view, view);
      return CaseSuite.doubles(view.toFloats());
    }

    private static TokenBatch batch(CaseInputs inputs) {
      return TokenBatch.builder(inputs.tokens())
          .offsets(TensorView.copyOf(inputs.offsets()))
          .roles(ObjectiveRun.bytes(inputs.roles()))
          .build();
    }
  }
}
