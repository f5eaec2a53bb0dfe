package org.plait.benchmarks;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;

/**
 * The shapes over which the time of a logit is followed: over the vocabulary with about the same
 * number of logits, and over the tokens with one vocabulary.
 */
final class Scaling {
  /** Of the shapes that differ in their tokens. */
  static final int VOCAB = 8192;

  /** Which is timed, of those of {@link StepObjective}. */
  static final String OBJECTIVE = "grpo";

  private static final int LOGITS = 1 << 25;
  private static final int[] VOCABULARIES = {2048, VOCAB, 32000, 65536, 128256, 151936, 262144};
  private static final int[] TOKENS = {16, 64, 256, 1024, LOGITS / VOCAB, 16384};

  private Scaling() {}

  /** T rows of V logits. */
  record Shape(int tokens, int vocab) {}

  /** With 2^25 logits, but for the rounding of T to whole sequences of a batch. */
  static List<Shape> overVocabulary() {
    return IntStream.of(VOCABULARIES).mapToObj(v -> new Shape(tokens(v), v)).toList();
  }

  /** With {@link #VOCAB} logits in a row. */
  static List<Shape> overTokens() {
    return IntStream.of(TOKENS).mapToObj(t -> new Shape(t, VOCAB)).toList();
  }

  /** All of them, each once. */
  static List<Shape> all() {
    List<Shape> all = new ArrayList<>(overVocabulary());
    all.addAll(overTokens());
    return all.stream().distinct().toList();
  }

  /** What was measured on these shapes: by kernel and type, then by vocabulary. */
  static List<Measurement> overVocabulary(List<Measurement> measured) {
    return on(overVocabulary(), measured, Measurement::vocab);
  }

  /** What was measured on these shapes: by kernel and type, then by tokens. */
  static List<Measurement> overTokens(List<Measurement> measured) {
    return on(overTokens(), measured, Measurement::tokens);
  }

  private static List<Measurement> on(
      List<Shape> shapes, List<Measurement> measured, Function<Measurement, Long> order) {
    return measured.stream()
        .filter(m -> m.isPlaits() && shapes.contains(shape(m)))
        .filter(m -> m.benchmark().equals("RowStats") || m.objective().equals(Scaling.OBJECTIVE))
        .sorted(
            Comparator.comparing(Measurement::benchmark, Comparator.reverseOrder())
                .thenComparing(Measurement::dtype, Comparator.reverseOrder())
                .thenComparing(order))
        .toList();
  }

  private static Shape shape(Measurement m) {
    return new Shape((int) m.tokens(), (int) m.vocab());
  }

  private static int tokens(int vocab) {
    int sequences = ObjectiveBatch.SEQUENCES;
    return Math.round((float) LOGITS / vocab / sequences) * sequences;
  }
}
