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
import org.plait.EntropyWeighting;
import org.plait.KlTerm;
import org.plait.PolicyLoss;
import org.plait.Population;
import org.plait.ProbabilityWeighting;
import org.plait.Rule;
import org.plait.Scope;
import org.plait.Term;
import org.plait.lab.oracle.TokenObjectiveOracle;
import org.plait.lab.oracle.TokenProblem;

/**
 * The loss of an objective as trainers write it in PyTorch, so that autograd gives the derivatives:
 * per role, the tokens of the role are selected, each term is evaluated and aggregated. Where a
 * stop-gradient stands in the objective, a detach stands here. What is decided of a token before it
 * is evaluated, its rejection and the like, is taken from the oracle.
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
  private final TokenObjectiveOracle.@Nullable Gates given;
  private final double[][] perSequence; // [population][sequence] tokens
  private final double[] tokens = new double[4];
  private final double[] sequences = new double[4];

  /** An objective whose tokens are gated as the oracle has it of the log-probs at hand. */
  public TorchObjective(TokenProblem problem, ScalarType type) {
    this(problem, type, null);
  }

  TorchObjective(
      TokenProblem problem, ScalarType type, TokenObjectiveOracle.@Nullable Gates given) {
    this.problem = problem;
    this.type = type;
    this.given = given;
    this.perSequence = new double[4][problem.sequences()];
  }

  /** What the aggregations divide by. */
  private void count(TokenObjectiveOracle.Gates gates) {
    Arrays.fill(tokens, 0);
    Arrays.fill(sequences, 0);
    for (double[] counts : perSequence) {
      Arrays.fill(counts, 0);
    }
    for (int i = 0; i < problem.sequences(); i++) {
      for (int t = problem.begin(i); t < problem.begin(i + 1); t++) {
        perSequence[gates.roles()[t]][i]++;
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
  static Result evaluate(TokenProblem problem, ScalarType type, TokenObjectiveOracle.Gates gates) {
    try (PointerScope scope = new PointerScope()) {
      int n = problem.tokens();
      Tensor logProb = TorchArrays.of(problem.logProbs(), type, n).set_requires_grad(true);
      double[] given = problem.entropy();
      Tensor entropy =
          TorchArrays.of(given == null ? new double[n] : given, type, n).set_requires_grad(true);
      Tensor loss = new TorchObjective(problem, type, gates).loss(logProb, entropy);
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
    TokenObjectiveOracle.Gates gates =
        given != null
            ? given
            : TokenObjectiveOracle.gates(
                problem.at(TorchArrays.doubles(logProb), TorchArrays.doubles(entropy)));
    count(gates);
    Tensor total = TorchArrays.of(new double[1], type, 1).sum();
    Rule[] rules = {
      problem.objective().rollout(), problem.objective().demonstration(), problem.objective().hint()
    };
    for (int role = 1; role <= 3; role++) {
      Rule rule = rules[role - 1];
      TorchRole chosen = new TorchRole(problem, type, gates, role);
      if (chosen.tokens.length == 0) {
        continue;
      }
      Tensor logp = logProb.index_select(0, AbstractTensor.create(chosen.tokens));
      Tensor h = entropy.index_select(0, AbstractTensor.create(chosen.tokens));
      if (rule.policy().isOn()) {
        Tensor policy = new TorchPolicy(chosen, rule.policy(), logp).loss();
        policy = weighted(policy, rule.policy().weighting(), chosen, h);
        if (rule.policy().samplerCorrection() && rule.policy().loss() != PolicyLoss.VESPO) {
          policy = policy.mul(chosen.samplerWeights());
        }
        policy = torch.where(chosen.dropped(), torch.zeros_like(policy), policy);
        total = total.add(aggregate(policy, rule.policy().term(), chosen));
      }
      if (rule.nll().term().coefficient() != 0) {
        Tensor nll = weighted(logp.neg(), rule.nll().weighting(), chosen, h);
        nll = weighted(nll, rule.nll().probabilityWeighting(), logp);
        total = total.add(aggregate(nll, rule.nll().term(), chosen));
      }
      if (rule.kl().term().coefficient() != 0) {
        total = total.add(aggregate(kl(rule.kl(), logp, chosen), rule.kl().term(), chosen));
      }
      if (rule.entropy().coefficient() != 0) {
        total = total.add(aggregate(h.neg(), rule.entropy(), chosen));
      }
    }
    return total;
  }

  private static Tensor weighted(
      Tensor loss, EntropyWeighting weighting, TorchRole chosen, Tensor entropy) {
    if (weighting.scope() == Scope.NONE) {
      return loss;
    }
    Tensor h = entropy.detach();
    Tensor ofToken = weighting.scope() == Scope.TOKEN ? h : chosen.sequenceMean(h);
    Tensor weight =
        ofToken
            .mul(new Scalar((double) weighting.exponent()))
            .exp()
            .mul(new Scalar((double) weighting.scale()));
    if (weighting.positiveOnly()) {
      Tensor positive = chosen.advantages().gt(new Scalar(0.0));
      weight = torch.where(positive, weight, torch.ones_like(weight));
    }
    return loss.mul(weight);
  }

  private static Tensor weighted(Tensor nll, ProbabilityWeighting weighting, Tensor logp) {
    Tensor p = logp.detach().exp();
    return switch (weighting) {
      case NONE -> nll;
      case PROBABILITY -> nll.mul(p);
      case VARIANCE -> nll.mul(p.mul(torch.ones_like(p).sub(p)));
    };
  }

  private Tensor kl(KlTerm term, Tensor logp, TorchRole chosen) {
    Tensor exact = logp.sub(chosen.constant(problem.referenceLogProbs(), "reference log-probs"));
    Tensor d = clamp(exact, -term.logLimit(), term.logLimit());
    Tensor k =
        switch (term.estimator()) {
          case K1 -> d;
          case K2 -> half(d.mul(d));
          // exp(-d) - 1 + d, with expm1 as advised for small d
          case K3 -> d.neg().expm1().add(d);
          case ABS -> d.abs();
        };
    Tensor ratio = logp.sub(chosen.old(logp)).exp();
    Tensor loss =
        switch (term.form()) {
          case PLAIN -> k;
          case TIMES_RATIO -> ratio.mul(k);
          case TIMES_FIXED_RATIO -> ratio.detach().mul(k);
          case STRAIGHT_THROUGH -> {
            Tensor k2 = half(d.mul(d));
            yield k.detach().add(k2.sub(k2.detach()));
          }
        };
    return clamp(loss, -term.valueLimit(), term.valueLimit());
  }

  private static Tensor half(Tensor x) {
    return x.mul(new Scalar(0.5));
  }

  static Tensor clamp(Tensor x, double low, double high) {
    return x.clamp(new ScalarOptional(new Scalar(low)), new ScalarOptional(new Scalar(high)));
  }

  private Tensor aggregate(Tensor loss, Term term, TorchRole chosen) {
    int k = term.population() == Population.ALL_TOKENS ? 0 : chosen.role;
    Tensor mean =
        switch (term.aggregation()) {
          case TOKEN_MEAN -> loss.sum().div(new Scalar(tokens[k]));
          case SEQ_MEAN_TOKEN_MEAN -> {
            Tensor counts = TorchArrays.of(perSequence[k], type, problem.sequences());
            Tensor means =
                chosen.sequenceSums(loss).div(torch.maximum(counts, torch.ones_like(counts)));
            yield means.sum().div(new Scalar(sequences[k]));
          }
          case SEQ_MEAN_TOKEN_SUM -> loss.sum().div(new Scalar(sequences[k]));
          case CONSTANT_LENGTH -> loss.sum().div(new Scalar(problem.length()));
          case SEQ_MEAN_CONSTANT_LENGTH ->
              loss.sum().div(new Scalar(problem.length())).div(new Scalar(sequences[k]));
        };
    return mean.mul(new Scalar((double) term.coefficient()));
  }
}
