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

  /** The examples at positions {@code from} to {@code from + count - 1} of the endless order. */
  List<Example> at(long from, int count) {
    List<Example> batch = new ArrayList<>(count);
    for (long position = from; position < from + count; position++) {
      seek(position / examples.size());
      batch.add(examples.get(order.get((int) (position % examples.size()))));
    }
    return batch;
  }

  private void seek(long wanted) {
    if (epoch != wanted) {
      epoch = wanted;
      order = new ArrayList<>(IntStream.range(0, examples.size()).boxed().toList());
      RandomStreams.shuffle(order, RandomStreams.stream(seed, Purpose.PROMPT_ORDER, wanted));
    }
  }
}
