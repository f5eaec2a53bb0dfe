package org.plait.lab.verify;

import java.util.Arrays;
import org.bytedeco.pytorch.AbstractTensor;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;
import org.plait.lab.oracle.TokenObjectiveOracle;
import org.plait.lab.oracle.TokenProblem;

/** The tokens of one role, and constants and sums of theirs. */
final class TorchRole {
  final int role;
  final long[] tokens;
  private final TokenProblem problem;
  private final ScalarType type;
  private final TokenObjectiveOracle.Gates gates;
  private final Tensor sequenceOf;

  TorchRole(TokenProblem problem, ScalarType type, TokenObjectiveOracle.Gates gates, int role) {
    this.problem = problem;
    this.type = type;
    this.gates = gates;
    this.role = role;
    long[] found = new long[problem.tokens()];
    int count = 0;
    for (int t = 0; t < problem.tokens(); t++) {
      if (gates.roles()[t] == role) {
        found[count++] = t;
      }
    }
    this.tokens = Arrays.copyOf(found, count);
    long[] sequences = new long[count];
    int sequence = 0;
    for (int i = 0; i < count; i++) {
      while (tokens[i] >= problem.begin(sequence + 1)) {
        sequence++;
      }
      sequences[i] = sequence;
    }
    this.sequenceOf = AbstractTensor.create(sequences);
  }

  /** Values of the tokens; {@code name} says what a problem lacks that does not give them. */
  Tensor constant(double @Nullable [] values, String name) {
    if (values == null) {
      throw new IllegalArgumentException(
          "the objective needs " + name + ", which the problem lacks");
    }
    return TorchArrays.of(
        Arrays.stream(tokens).mapToDouble(t -> values[(int) t]).toArray(), type, tokens.length);
  }

  private Tensor flags(boolean[] values) {
    double[] flags = new double[values.length];
    Arrays.setAll(flags, t -> values[t] ? 1 : 0);
    return constant(flags, "flags").gt(new Scalar(0.5));
  }

  Tensor dropped() {
    return flags(gates.dropped());
  }

  Tensor penalised() {
    return flags(gates.penalised());
  }

  Tensor samplerWeights() {
    return constant(gates.samplerWeights(), "sampler weights");
  }

  Tensor advantages() {
    return constant(problem.advantages(), "advantages");
  }

  /** Log-probabilities of the behaviour policy. */
  Tensor old(Tensor logp) {
    return problem.oldLogProbs() == null
        ? logp.detach()
        : constant(problem.oldLogProbs(), "old log-probs");
  }

  /** [B] sums of the tokens of each sequence. */
  Tensor sequenceSums(Tensor x) {
    return TorchArrays.of(new double[problem.sequences()], type, problem.sequences())
        .index_add(0, sequenceOf, x);
  }

  /** The sum over its sequence, at each token. */
  Tensor sequenceSum(Tensor x) {
    return sequenceSums(x).index_select(0, sequenceOf);
  }

  /** How many tokens its sequence has, at each token. */
  Tensor sequenceCount(Tensor x) {
    return sequenceSum(torch.ones_like(x.detach()));
  }

  /** The mean over its sequence, at each token. */
  Tensor sequenceMean(Tensor x) {
    return sequenceSum(x).div(sequenceCount(x));
  }
}
