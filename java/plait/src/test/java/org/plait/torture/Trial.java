package org.plait.torture;

import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * One call: what its seed makes of it, and whether it went as it has to.
 *
 * @param seed which gives the same call again
 * @param call what is called
 * @param refusal how the call must be refused, or null if it is right
 */
record Trial(long seed, Call call, @Nullable Refusal refusal) {
  /** Takes an owner, to close it whenever it likes. */
  interface Closing {
    void offer(Lease owner);
  }

  /** A call that did not go as it has to. */
  static final class Failure extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Failure(String message, @Nullable Throwable cause) {
      super(message, cause);
    }
  }

  /**
   * How a call went.
   *
   * @param closed whether it was refused because its memory was closed at that moment
   * @param digest of what it wrote
   */
  record Outcome(boolean closed, long digest) {}

  static Trial of(long seed) {
    Draw draw = new Draw(seed);
    Call call =
        switch (draw.below(13)) {
          case 0, 1 -> LogitsCalls.rowStats(draw);
          case 2 -> LogitsCalls.merge(draw);
          case 3, 4 -> LogitsCalls.logitsGrad(draw);
          case 5, 6 -> LogitsCalls.policyStep(draw);
          case 7 -> TokenCalls.tokenObjective(draw);
          case 8 -> TokenCalls.groupAdvantage(draw);
          case 9 -> TokenCalls.tokenAdvantage(draw);
          case 10 -> TokenCalls.whiten(draw);
          case 11 -> TokenCalls.importanceRatio(draw);
          default -> TokenCalls.convenience(draw);
        };
    return new Trial(seed, call, draw.oneIn(3) ? Faults.spoil(call, draw) : null);
  }

  /**
   * Makes the call.
   *
   * @param arena where its arrays lie
   * @param placement a seed of how they lie, which no result may depend on
   * @param closing what closes an owner while the call uses it, or null
   */
  Outcome run(Arena arena, long placement, @Nullable Closing closing) {
    SplittableRandom random = new SplittableRandom(placement);
    arena.clear(random.nextInt(1, 255));
    call.place(arena, random);
    arena.remember();
    boolean raced = false;
    Throwable thrown = null;
    try {
      call.makeViews(arena);
      raced = offer(refusal == null ? closing : null);
      call.run();
    } catch (RuntimeException e) {
      thrown = e;
    }
    call.forgetViews();
    boolean closed = raced && thrown instanceof IllegalStateException;
    if (refusal != null) {
      String objection = refusal.objection(thrown);
      if (objection != null) {
        throw failure(objection, thrown);
      }
    } else if (thrown != null && !closed) {
      throw failure("was refused: " + thrown, thrown);
    }
    boolean succeeded = thrown == null;
    int changed = arena.changed(succeeded ? call.written() : List.of());
    if (changed >= 0) {
      String what = succeeded ? "wrote beyond its outputs" : "wrote although it was refused";
      throw failure(what + ", at byte " + changed + whereabouts(changed), thrown);
    }
    if (!succeeded && call.hasMetrics()) {
      throw failure("counted in its metrics although it was refused", thrown);
    }
    return new Outcome(closed, succeeded ? call.digest(arena) : 0);
  }

  /** Offers an owner to whoever closes some; nothing but the call keeps the others. */
  private boolean offer(@Nullable Closing closing) {
    boolean raced = false;
    for (Arg arg : call.args()) {
      Lease lease = arg.takeLease();
      if (lease != null && !raced && closing != null && arg.count() > 0) {
        raced = true;
        closing.offer(lease);
      }
    }
    return raced;
  }

  private String whereabouts(int at) {
    for (Arg arg : call.args()) {
      if (arg.begin() <= at && at < arg.end()) {
        return ", byte " + (at - arg.begin()) + " of " + arg;
      }
    }
    return ", between the arrays";
  }

  Failure failure(String what, @Nullable Throwable cause) {
    String way = refusal == null ? "" : ", wrong by " + refusal.way();
    return new Failure("call of seed " + seed + way + " " + what + ": " + call, cause);
  }
}
