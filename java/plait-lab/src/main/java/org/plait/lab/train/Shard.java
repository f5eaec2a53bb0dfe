package org.plait.lab.train;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;
import org.plait.CovarianceKind;
import org.plait.Normalizers;
import org.plait.Objective;
import org.plait.Role;
import org.plait.Rule;
import org.plait.Scope;
import org.plait.TensorView;
import org.plait.TokenBatch;
import org.plait.lab.countdown.Problem;
import org.plait.lab.countdown.Vocabulary;
import org.plait.lab.model.Tensors;
import org.plait.lab.oracle.TokenProblem;

/**
 * The part of a batch that one thread computes: sequences padded for the model, and their answer
 * tokens packed for the loss. A token at one position is predicted by the logits of the position
 * before it. Confined to one thread at a time.
 */
final class Shard {

  /** Sequences of a shard: few enough for the caches, enough to be worth the calls. */
  private static final int MAX_SEQUENCES = 32;

  private static final int MIN_SEQUENCES = 8;

  /** Shards that a small batch is divided into, so that there is something to share. */
  private static final int SHARDS = 2;

  private final int sequences;
  private final int length;
  private final long[] tokens;
  private final long[] rows;
  private final long[] targets;
  private final long[] offsets;
  private final Role[] roles;
  private final float[] advantages;
  private float @Nullable [] oldLogProbs;
  private float @Nullable [] referenceLogProbs;

  private Shard(List<TrainingSequence> batch) {
    sequences = batch.size();
    // The last token is only ever predicted.
    length = batch.stream().mapToInt(TrainingSequence::length).max().orElse(1) - 1;
    int answers = batch.stream().mapToInt(TrainingSequence::answerLength).sum();
    tokens = new long[sequences * length];
    rows = new long[answers];
    targets = new long[answers];
    roles = new Role[answers];
    offsets = new long[sequences + 1];
    advantages = new float[sequences];
    int next = 0;
    for (int i = 0; i < sequences; i++) {
      TrainingSequence sequence = batch.get(i);
      for (int at = 0; at < length; at++) {
        tokens[i * length + at] = at < sequence.length() ? sequence.token(at) : Vocabulary.PAD;
      }
      for (int at = 0; at < sequence.answerLength(); at++) {
        int position = Problem.PROMPT_LENGTH + at;
        rows[next] = (long) i * length + position - 1;
        targets[next] = sequence.token(position);
        roles[next] = sequence.role(at);
        next++;
      }
      offsets[i + 1] = next;
      advantages[i] = sequence.advantage();
    }
  }

  /**
   * Divides a batch into shards for an objective: into one if it ranks the tokens of the whole
   * batch.
   */
  static List<Shard> split(List<TrainingSequence> batch, Objective objective) {
    return ranksBatch(objective) ? List.of(new Shard(batch)) : split(batch);
  }

  private static boolean ranksBatch(Objective objective) {
    return objective.correction().normalise()
        || Stream.of(objective.rollout(), objective.demonstration(), objective.hint())
            .map(Rule::policy)
            .anyMatch(
                policy ->
                    policy.selection().scope() == Scope.BATCH
                        || policy.covariance().kind() != CovarianceKind.NONE);
  }

  /**
   * Divides a batch into shards, in order. Their size depends on the batch alone, so that results
   * do not depend on the number of threads.
   */
  static List<Shard> split(List<TrainingSequence> batch) {
    int size = Math.max(MIN_SEQUENCES, Math.min(MAX_SEQUENCES, batch.size() / SHARDS));
    List<Shard> shards = new ArrayList<>();
    for (int from = 0; from < batch.size(); from += size) {
      shards.add(new Shard(batch.subList(from, Math.min(batch.size(), from + size))));
    }
    return shards;
  }

  /** Log-probabilities that the policy which sampled gave to the answer tokens. */
  void setOldLogProbs(float[] logProbs) {
    oldLogProbs = logProbs;
  }

  /** Log-probabilities that the reference policy gives to the answer tokens. */
  void setReferenceLogProbs(float[] logProbs) {
    referenceLogProbs = logProbs;
  }

  int answerTokens() {
    return targets.length;
  }

  /** int64 [sequences, length]. */
  Tensor tokens() {
    return Tensors.of(tokens, sequences, length);
  }

  /** int64 [answer tokens]: rows of the flattened batch whose logits predict them. */
  Tensor rows() {
    return Tensors.of(rows, rows.length);
  }

  /** int64 [answer tokens]. */
  Tensor targets() {
    return Tensors.of(targets, targets.length);
  }

  /** The answer tokens as Plait takes them. */
  TokenBatch batch() {
    TokenBatch.Builder builder =
        TokenBatch.builder(targets.length)
            .offsets(TensorView.copyOf(offsets))
            .roles(TensorView.copyOf(roles))
            .sequenceAdvantages(TensorView.copyOf(advantages));
    if (oldLogProbs != null) {
      builder.oldLogProbs(TensorView.copyOf(oldLogProbs));
    }
    if (referenceLogProbs != null) {
      builder.referenceLogProbs(TensorView.copyOf(referenceLogProbs));
    }
    return builder.build();
  }

  /** The answer tokens as the textbook loss takes them, with log-probabilities yet to come. */
  TokenProblem problem(Objective objective, Normalizers normalizers) {
    byte[] codes = new byte[roles.length];
    double[] tokenCounts = new double[Role.values().length];
    double[] sequenceCounts = new double[Role.values().length];
    tokenCounts[0] = normalizers.tokens();
    sequenceCounts[0] = normalizers.sequences();
    for (Role role : Role.values()) {
      if (role != Role.IGNORED) {
        tokenCounts[role.code()] = normalizers.tokens(role);
        sequenceCounts[role.code()] = normalizers.sequences(role);
      }
    }
    for (int t = 0; t < codes.length; t++) {
      codes[t] = roles[t].code();
    }
    return TokenProblem.of(
            new double[targets.length],
            null,
            codes,
            offsets,
            TokenProblem.perToken(Tensors.doubles(advantages), offsets, targets.length),
            oldLogProbs == null ? null : Tensors.doubles(oldLogProbs),
            referenceLogProbs == null ? null : Tensors.doubles(referenceLogProbs),
            objective)
        .withNormalizers(tokenCounts, sequenceCounts, normalizers.length());
  }
}
