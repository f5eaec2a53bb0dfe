package org.plait.lab.train;

import java.util.ArrayList;
import java.util.List;
import org.plait.lab.countdown.Problem;
import org.plait.lab.countdown.Verifier;
import org.plait.lab.model.Sampler;
import org.plait.lab.util.RandomStreams;
import org.plait.lab.util.RandomStreams.Purpose;

/** Measures a policy on a list of problems. Not thread-safe. */
final class Evaluator {

  /** Samples per problem of a full evaluation: the k of pass@k. */
  static final int SAMPLES = 8;

  /** Problems whose samples the entropy is averaged over. */
  private static final int ENTROPY_PROBLEMS = 256;

  private final Learner learner;
  private final Sampler sampler;
  private final List<Problem> problems;
  private final long seed;

  Evaluator(Learner learner, Sampler sampler, List<Problem> problems, long seed) {
    this.learner = learner;
    this.sampler = sampler;
    this.problems = problems;
    this.seed = seed;
  }

  /**
   * Everything, on all problems.
   *
   * @param step coordinates of the random samples
   */
  Evaluation full(int step) {
    return sampled(problems, SAMPLES, step, greedy(problems));
  }

  /** Share of problems that are solved by the most probable tokens. */
  double greedy(List<Problem> asked) {
    List<int[]> answers =
        sampler.greedy(asked.stream().map(Problem::prompt).toList(), Problem.PROMPT_LENGTH);
    int solved = 0;
    for (int i = 0; i < asked.size(); i++) {
      solved += accepted(asked.get(i), answers.get(i)) ? 1 : 0;
    }
    return (double) solved / asked.size();
  }

  /** Sampled success and entropy on a few problems: a point of a curve. Greedy is NaN. */
  Evaluation quick(int step, int problemCount, int samples) {
    return sampled(
        problems.subList(0, Math.min(problemCount, problems.size())), samples, step, Double.NaN);
  }

  private Evaluation sampled(List<Problem> asked, int samples, int step, double greedy) {
    List<Problem> repeated = new ArrayList<>(asked.size() * samples);
    for (Problem problem : asked) {
      for (int i = 0; i < samples; i++) {
        repeated.add(problem);
      }
    }
    List<int[]> answers =
        sampler.sample(
            repeated.stream().map(Problem::prompt).toList(),
            Problem.PROMPT_LENGTH,
            i -> RandomStreams.stream(seed, Purpose.EVALUATION, step, i));
    int accepted = 0;
    int passed = 0;
    for (int i = 0; i < asked.size(); i++) {
      int hits = 0;
      for (int j = i * samples; j < (i + 1) * samples; j++) {
        hits += accepted(repeated.get(j), answers.get(j)) ? 1 : 0;
      }
      accepted += hits;
      passed += hits > 0 ? 1 : 0;
    }
    int measured = Math.min(asked.size(), ENTROPY_PROBLEMS) * samples;
    return new Evaluation(
        greedy,
        (double) accepted / answers.size(),
        (double) passed / asked.size(),
        entropy(answers.subList(0, measured)));
  }

  private double entropy(List<int[]> answers) {
    List<TrainingSequence> sequences =
        answers.stream().map(answer -> TrainingSequence.rollout(answer, 0)).toList();
    double sum = 0;
    long tokens = 0;
    for (Learner.Statistics part :
        learner.statistics(learner.inference(), Shard.split(sequences))) {
      for (float entropy : part.entropies()) {
        sum += entropy;
      }
      tokens += part.entropies().length;
    }
    return sum / tokens;
  }

  private static boolean accepted(Problem problem, int[] sequence) {
    return Verifier.accepts(problem, sequence, Problem.PROMPT_LENGTH);
  }
}
