package org.plait.lab.verify;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.plait.Backend;
import org.plait.lab.verify.Check.Verdict;

/**
 * Random cases of every kernel, each from a seed that a failure prints: on every SIMD target of
 * this machine, and on an emulated CUDA device. What they agree with is the oracle, by the
 * criterion of {@code plait verify}; with themselves, on other threads and in other places, they
 * agree bit for bit.
 *
 * <pre>Differential SEED CASES [cuda]</pre>
 */
final class Differential {
  private static final String[] TARGETS = {"AVX-512", "AVX2", "SSE4", "NEON", "baseline"};

  /** Cases of one family. */
  private interface Family {
    List<Check> check(Kernels kernels, long seed);
  }

  private final PrintStream log;
  private final List<Check> failures = new ArrayList<>();
  private long checks;

  private Differential(PrintStream log) {
    this.log = log;
  }

  /** The failures of cases {@code seed} to {@code seed + cases - 1} on the CPU's targets. */
  static List<Check> onTargets(long seed, int cases, PrintStream log) {
    Differential run = new Differential(log);
    try {
      for (String target : TARGETS) {
        try {
          Backend.selectTarget(target);
        } catch (IllegalArgumentException e) {
          continue; // this machine does not have it
        }
        run.all(Kernels.of(Backend.cpu()), target, seed, cases);
      }
    } finally {
      Backend.selectTarget(null);
    }
    return run.failures;
  }

  /** Those of a device that shares the host's memory. */
  static List<Check> onDevice(long seed, int cases, PrintStream log) {
    Differential run = new Differential(log);
    run.all(Kernels.of(Backend.cuda(0), new HostMemory(0)), "cuda:0", seed, cases);
    return run.failures;
  }

  private void all(Kernels kernels, String where, long seed, int cases) {
    family("rows", kernels, where, seed, cases, RandomRows::check);
    family("token_objective", kernels, where, seed, 3 * cases, RandomSteps::tokens);
    family("policy_step", kernels, where, seed, 2 * cases, RandomSteps::steps);
    family("importance_ratio", kernels, where, seed, cases, RandomStages::ratios);
    family("token_advantage, whiten", kernels, where, seed, cases, RandomStages::returns);
    family("group_advantage", kernels, where, seed, cases, RandomStages::groups);
  }

  private void family(
      String name, Kernels kernels, String where, long seed, int cases, Family family) {
    long start = System.nanoTime();
    long before = checks;
    int failed = failures.size();
    double share = 0;
    for (long i = seed; i < seed + cases; i++) {
      long each = i;
      Step step = new Step(name + " seed " + i, () -> family.check(kernels, each));
      for (Check check : step.run()) {
        checks++;
        share = Math.max(share, Double.isFinite(check.share()) ? check.share() : 0);
        if (check.verdict() == Verdict.FAIL) {
          failures.add(check.withKernel(check.kernel() + " on " + where));
        }
      }
    }
    log.printf(
        Locale.ROOT,
        "%s on %s: %d cases from seed %d, %d checks, %d failed, at most %.2f of what is"
            + " allowed, %.1f s%n",
        name,
        where,
        cases,
        seed,
        checks - before,
        failures.size() - failed,
        share,
        (System.nanoTime() - start) / 1e9);
  }

  public static void main(String[] args) {
    long seed = Long.parseLong(args[0]);
    int cases = Integer.parseInt(args[1]);
    boolean cuda = args.length > 2 && args[2].equals("cuda");
    List<Check> failures =
        cuda ? onDevice(seed, cases, System.out) : onTargets(seed, cases, System.out);
    failures.forEach(check -> System.out.println("FAIL " + check.describe()));
    System.exit(failures.isEmpty() ? 0 : 1);
  }
}
