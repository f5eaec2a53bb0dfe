package org.plait.lab.verify;

import java.util.Arrays;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.AbstractTensor;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;
import org.plait.PolicyLoss;
import org.plait.Population;
import org.plait.Rule;
import org.plait.Term;
import org.plait.lab.oracle.TokenProblem;

/**
 * The loss of an objective as trainers write it in PyTorch, so that autograd gives the derivatives:
 * per role, the tokens of the role are selected, each term is evaluated and aggregated.
 */
public final class TorchObjective {

  /**
   * PyTorch's answer.
   *
   * @param loss the scalar loss
   * @param dLogProb [T]
   * @param dEntropy [T], zeros without an entropy term
   */
  @SuppressWarnings("ArrayRecordComponent") // plain data, never compared
  record Result(double loss, double[] dLogProb, double[] dEntropy) {}

  private final TokenProblem problem;
  private final ScalarType type;
  private final double[][] perSequence; // [population][sequence] tokens
  private final double[] tokens = new double[4];
  private final double[] sequences = new double[4];

  /** Counts what the aggregations divide by. */
  public TorchObjective(TokenProblem problem, ScalarType type) {
    this.problem = problem;
    this.type = type;
    perSequence = new double[4][problem.sequences()];
    for (int i = 0; i < problem.sequences(); i++) {
      for (int t = problem.begin(i); t < problem.begin(i + 1); t++) {
        perSequence[problem.role(t)][i]++;
      }
      perSequence[0][i] = perSequence[1][i] + perSequence[2][i] + perSequence[3][i];
      for (int k = 0; k < 4; k++) {
        tokens[k] += perSequence[k][i];
        sequences[k] += Math.signum(perSequence[k][i]);
      }
    }
    for (int k = 0; k < 4; k++) {
      tokens[k] = problem.tokenCounts()[k] > 0 ? problem.tokenCounts()[k] : tokens[k];
      sequences[k] = problem.sequenceCounts()[k] > 0 ? problem.sequenceCounts()[k] : sequences[k];
    }
  }

  /** Loss and derivatives of a problem in float32 or float64. */
  @SuppressWarnings("try") // the scope frees the tensors
  static Result evaluate(TokenProblem problem, ScalarType type) {
    try (PointerScope scope = new PointerScope()) {
      int n = problem.tokens();
      Tensor logProb = TorchArrays.of(problem.logProbs(), type, n).set_requires_grad(true);
      double[] given = problem.entropy();
      Tensor entropy =
          TorchArrays.of(given == null ? new double[n] : given, type, n).set_requires_grad(true);
      Tensor loss = new TorchObjective(problem, type).loss(logProb, entropy);
      if (loss.requires_grad()) {
        loss.backward();
      }
      return new Result(
          loss.to(ScalarType.Double).item_double(), grad(logProb, n), grad(entropy, n));
    }
  }

  private static double[] grad(Tensor tensor, int n) {
    Tensor grad = tensor.grad();
    return grad.defined() ? TorchArrays.doubles(grad) : new double[n];
  }

  /** The scalar loss of log-probabilities and entropies of shape [T]. */
  public Tensor loss(Tensor logProb, Tensor entropy) {
    Tensor total = TorchArrays.of(new double[1], type, 1).sum();
    Rule[] rules = {
      problem.objective().rollout(), problem.objective().demonstration(), problem.objective().hint()
    };
    for (int role = 1; role <= 3; role++) {
      Rule rule = rules[role - 1];
      long[] chosen = tokensOf(role);
      if (chosen.length == 0) {
        continue;
      }
      Tensor logp = logProb.index_select(0, AbstractTensor.create(chosen));
      if (rule.policyLoss() != PolicyLoss.NONE) {
        total = total.add(aggregate(policy(rule, logp, chosen), rule.policy(), role, chosen));
      }
      if (rule.nll().coefficient() != 0) {
        total = total.add(aggregate(logp.neg(), rule.nll(), role, chosen));
      }
      if (rule.kl().coefficient() != 0) {
        Tensor d = logp.sub(constant(problem.referenceLogProbs(), chosen));
        total = total.add(aggregate(kl(rule, d), rule.kl(), role, chosen));
      }
      if (rule.entropy().coefficient() != 0) {
        Tensor h = entropy.index_select(0, AbstractTensor.create(chosen));
        total = total.add(aggregate(h.neg(), rule.entropy(), role, chosen));
      }
    }
    return total;
  }

  private Tensor policy(Rule rule, Tensor logp, long[] chosen) {
    Tensor advantage = constant(problem.advantages(), chosen);
    if (rule.policyLoss() == PolicyLoss.REINFORCE) {
      return advantage.mul(logp).neg();
    }
    double[] given = problem.oldLogProbs();
    Tensor old = given == null ? logp.detach() : constant(given, chosen);
    Tensor ratio = clamp(logp.sub(old), -rule.logRatioLimit(), rule.logRatioLimit()).exp();
    Tensor unclipped = advantage.mul(ratio).neg();
    Tensor clipped = advantage.mul(clamp(ratio, 1.0 - rule.clipLow(), 1.0 + rule.clipHigh())).neg();
    Tensor loss = torch.maximum(unclipped, clipped);
    if (rule.dualClip() < Float.POSITIVE_INFINITY) {
      Tensor bound = advantage.mul(new Scalar(-(double) rule.dualClip()));
      Tensor negative = advantage.lt(new Scalar(0.0));
      loss = torch.where(negative, torch.minimum(loss, bound), loss);
    }
    return loss;
  }

  private static Tensor clamp(Tensor x, double low, double high) {
    return x.clamp(new ScalarOptional(new Scalar(low)), new ScalarOptional(new Scalar(high)));
  }

  private static Tensor kl(Rule rule, Tensor d) {
    return switch (rule.klEstimator()) {
      case K1 -> d;
      case K2 -> d.mul(d).mul(new Scalar(0.5));
      case K3 -> d.neg().exp().sub(new Scalar(1.0)).add(d);
    };
  }

  private Tensor aggregate(Tensor loss, Term term, int role, long[] chosen) {
    int k = term.population() == Population.ALL_TOKENS ? 0 : role;
    Tensor mean =
        switch (term.aggregation()) {
          case TOKEN_MEAN -> loss.sum().div(new Scalar(tokens[k]));
          case SEQ_MEAN_TOKEN_MEAN -> {
            Tensor sums =
                TorchArrays.of(new double[problem.sequences()], type, problem.sequences())
                    .index_add(0, AbstractTensor.create(sequencesOf(chosen)), loss);
            Tensor counts = TorchArrays.of(perSequence[k], type, problem.sequences());
            Tensor means = sums.div(torch.maximum(counts, torch.ones_like(counts)));
            yield means.sum().div(new Scalar(sequences[k]));
          }
          case SEQ_MEAN_TOKEN_SUM -> loss.sum().div(new Scalar(sequences[k]));
          case CONSTANT_LENGTH -> loss.sum().div(new Scalar(problem.length()));
          case SEQ_MEAN_CONSTANT_LENGTH ->
              loss.sum().div(new Scalar(problem.length())).div(new Scalar(sequences[k]));
        };
    return mean.mul(new Scalar((double) term.coefficient()));
  }

  private long[] tokensOf(int role) {
    long[] found = new long[problem.tokens()];
    int count = 0;
    for (int t = 0; t < problem.tokens(); t++) {
      if (problem.role(t) == role) {
        found[count++] = t;
      }
    }
    return Arrays.copyOf(found, count);
  }

  private long[] sequencesOf(long[] chosen) {
    long[] result = new long[chosen.length];
    int sequence = 0;
    for (int i = 0; i < chosen.length; i++) {
      while (chosen[i] >= problem.begin(sequence + 1)) {
        sequence++;
      }
      result[i] = sequence;
    }
    return result;
  }

  private Tensor constant(double @Nullable [] values, long[] chosen) {
    if (values == null) {
      throw new IllegalArgumentException("the objective needs an array that the problem lacks");
    }
    double[] selected = new double[chosen.length];
    for (int i = 0; i < chosen.length; i++) {
      selected[i] = values[(int) chosen[i]];
    }
    return TorchArrays.of(selected, type, chosen.length);
  }
}
