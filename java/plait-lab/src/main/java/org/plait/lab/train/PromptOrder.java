package org.plait.lab.train;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.plait.lab.countdown.Example;
import org.plait.lab.util.RandomStreams;
import org.plait.lab.util.RandomStreams.Purpose;

/**
 * Goes through the training prompts in epochs, each in a shuffled order of its own. What comes at a
 * position depends on the seed alone, so a run that resumes needs no cursor. Not thread-safe.
 */
final class PromptOrder {

  private final List<Example> examples;
  private final long seed;
  private long epoch = -1;
  private List<Integer> order = List.of();

  PromptOrder(List<Example> examples, long seed) {
    this.examples = examples;
    this.seed = seed;
  }

  /**
   * The numbers of the examples at positions {@code from} to {@code from + count - 1} of the
   * endless order.
   */
  List<Integer> at(long from, int count) {
    List<Integer> batch = new ArrayList<>(count);
    for (long position = from; position < from + count; position++) {
      seek(position / examples.size());
      batch.add(order.get((int) (position % examples.size())));
    }
    return batch;
  }

  /** The example that {@link #at} gives a number of. */
  Example example(int number) {
    return examples.get(number);
  }

  private void seek(long wanted) {
    if (epoch != wanted) {
      epoch = wanted;
      order = new ArrayList<>(IntStream.range(0, examples.size()).boxed().toList());
      RandomStreams.shuffle(order, RandomStreams.stream(seed, Purpose.PROMPT_ORDER, wanted));
    }
  }
}
