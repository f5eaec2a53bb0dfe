package org.plait.lab.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.IntFunction;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * Continues sequences token by token with a key-value cache.
 *
 * <p>Each sequence draws from a random stream of its own, and is computed in a part of fixed size,
 * so what is sampled depends neither on the number of threads nor on the other sequences' draws.
 */
public final class Sampler {

  /** Sequences that one thread continues together. */
  private static final int PART = 64;

  private final Gpt model;
  private final Workers workers;
  private final int eos;
  private final int pad;

  /**
   * @param eos the token that ends a sequence
   * @param pad the token that fills a sequence after its end
   */
  public Sampler(Gpt model, Workers workers, int eos, int pad) {
    this.model = model;
    this.workers = workers;
    this.eos = eos;
    this.pad = pad;
  }

  /**
   * Samples a continuation of each prefix from the model's own distribution, at temperature 1.
   *
   * @param prefixes what each sequence begins with, at least {@code prompt} tokens
   * @param prompt tokens that every prefix has; they are computed at once
   * @param streams the random stream of each sequence, by its index
   * @return sequences of the model's full context, padded after their end
   */
  public List<int[]> sample(
      List<int[]> prefixes, int prompt, IntFunction<SplittableRandom> streams) {
    return continueAll(
        prefixes,
        prompt,
        first ->
            new Chooser() {
              private final SplittableRandom[] randoms = randoms(first);

              private SplittableRandom[] randoms(int from) {
                SplittableRandom[] randoms =
                    new SplittableRandom[Math.min(PART, prefixes.size() - from)];
                Arrays.setAll(randoms, i -> streams.apply(from + i));
                return randoms;
              }

              @Override
              public Tensor scores(Tensor logits) {
                return torch.softmax(logits, -1);
              }

              @Override
              public int choose(int sequence, float[] scores, int from, int vocabulary) {
                return draw(randoms[sequence].nextDouble(), scores, from, vocabulary);
              }
            });
  }

  /** Continues each prefix with the most probable token, the lower one of equals. */
  public List<int[]> greedy(List<int[]> prefixes, int prompt) {
    Chooser argmax =
        new Chooser() {
          @Override
          public Tensor scores(Tensor logits) {
            return logits;
          }

          @Override
          public int choose(int sequence, float[] scores, int from, int vocabulary) {
            int best = 0;
            for (int token = 1; token < vocabulary; token++) {
              if (scores[from + token] > scores[from + best]) {
                best = token;
              }
            }
            return best;
          }
        };
    return continueAll(prefixes, prompt, first -> argmax);
  }

  private interface Chooser {
    /** What tokens are chosen by, from the logits of a whole part. */
    Tensor scores(Tensor logits);

    /** The token of one sequence of the part, whose scores start at {@code from}. */
    int choose(int sequence, float[] scores, int from, int vocabulary);
  }

  private List<int[]> continueAll(List<int[]> prefixes, int prompt, IntFunction<Chooser> choosers) {
    int parts = (prefixes.size() + PART - 1) / PART;
    List<int[]> sequences = new ArrayList<>(prefixes.size());
    workers
        .map(
            parts,
            part -> {
              int first = part * PART;
              int last = Math.min(prefixes.size(), first + PART);
              return continuePart(prefixes.subList(first, last), prompt, choosers.apply(first));
            })
        .forEach(sequences::addAll);
    return sequences;
  }

  private List<int[]> continuePart(List<int[]> prefixes, int prompt, Chooser chooser) {
    GptConfig config = model.config();
    int batch = prefixes.size();
    List<int[]> sequences = new ArrayList<>(batch);
    for (int[] prefix : prefixes) {
      int[] sequence = Arrays.copyOf(prefix, config.context());
      Arrays.fill(sequence, prefix.length, sequence.length, pad);
      sequences.add(sequence);
    }
    boolean[] ended = new boolean[batch];
    int active = batch;
    try (NoGradGuard guard = new NoGradGuard()) {
      KeyValueCache cache = new KeyValueCache(config, batch);
      Tensor input = columns(sequences, 0, prompt);
      for (int at = prompt; at < config.context() && active > 0; at++) {
        float[] scores = Tensors.floats(chooser.scores(model.next(input, cache)));
        for (int i = 0; i < batch; i++) {
          int[] sequence = sequences.get(i);
          if (!ended[i] && at >= prefixes.get(i).length) {
            sequence[at] = chooser.choose(i, scores, i * config.vocabulary(), config.vocabulary());
          }
          if (!ended[i] && sequence[at] == eos) {
            ended[i] = true;
            active--;
          }
        }
        input = columns(sequences, at, 1);
      }
    }
    return sequences;
  }

  private static Tensor columns(List<int[]> sequences, int from, int count) {
    long[] tokens = new long[sequences.size() * count];
    int next = 0;
    for (int[] sequence : sequences) {
      for (int i = 0; i < count; i++) {
        tokens[next++] = sequence[from + i];
      }
    }
    return Tensors.of(tokens, sequences.size(), count);
  }

  /** The first token at which the cumulative probability exceeds a uniform number. */
  private static int draw(double uniform, float[] probabilities, int from, int vocabulary) {
    double cumulative = 0;
    int last = 0;
    for (int token = 0; token < vocabulary; token++) {
      float probability = probabilities[from + token];
      cumulative += probability;
      if (uniform < cumulative) {
        return token;
      }
      last = probability > 0 ? token : last;
    }
    return last; // the probabilities sum to a little less than 1
  }
}
