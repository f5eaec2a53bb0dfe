package org.plait.torture;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.plait.Backend;
import org.plait.DType;
import org.plait.torture.Arg.Defect;
import org.plait.torture.Arg.Use;

/** Makes a call wrong in exactly one way. */
final class Faults {
  private static final Backend NO_DEVICE = Backend.cuda(77);
  private static final DType[] TYPES = DType.values();
  private static final List<String> OF_BATCH =
      List.of(
          "offsets",
          "roles",
          "advantages",
          "sequenceAdvantages",
          "oldLogProbs",
          "referenceLogProbs",
          "samplerLogProbs");

  private final Call call;
  private final Draw draw;

  private Faults(Call call, Draw draw) {
    this.call = call;
    this.draw = draw;
  }

  /** Spoils a call: how it must be refused now. */
  static Refusal spoil(Call call, Draw draw) {
    Faults faults = new Faults(call, draw);
    for (int attempt = 0; attempt < 1000; attempt++) {
      int kind = draw.below(20);
      Refusal refusal =
          kind < 11
              ? faults.array()
              : kind < 17
                  ? ValueFaults.spoil(call, draw)
                  : kind < 19 ? faults.object() : ConstructorFaults.spoil(call, draw);
      if (refusal != null) {
        return refusal;
      }
    }
    throw new IllegalStateException("nothing can be wrong with " + call);
  }

  private @Nullable Refusal array() {
    List<Arg> args = call.args();
    if (args.isEmpty()) {
      return null;
    }
    Arg arg = args.get(draw.below(args.size()));
    if (arg.name.equals("copy")) {
      return null; // no argument of a kernel
    }
    return switch (draw.below(14)) {
      case 0 -> type(arg);
      case 1 -> length(arg);
      case 2 -> rank(arg);
      case 3 -> absent(arg);
      case 4 -> defect(arg, Defect.MISALIGNED, arg.dtype.bytes() > 1 && arg.count() > 0, "address");
      case 5 -> defect(arg, Defect.SHORT, arg.count() > 0, "buffer", "pointer");
      case 6 -> defect(arg, Defect.BAD_STRIDE, !arg.isVector() && arg.count() > 0, "rowStride");
      case 7 -> defect(arg, Defect.GAPS, mayNotHaveGaps(arg), arg.name);
      case 8 -> defect(arg, Defect.ON_HEAP, true, "buffer");
      case 9 -> defect(arg, Defect.BYTE_ORDER, arg.dtype.bytes() > 1, "buffer");
      case 10 -> defect(arg, Defect.READ_ONLY, arg.use != Use.INPUT, nameOfMemory(arg));
      case 11 -> onDevice(arg);
      case 12 -> closed(arg);
      default -> overlap(arg);
    };
  }

  /** Leaves an array of another type or shape to itself. */
  private void detach(Arg arg) {
    arg.values = null;
    arg.writtenRows = null;
    arg.over = null;
    for (Arg other : call.args()) {
      other.over = other.over == arg ? null : other.over;
    }
  }

  private String name(Arg arg) {
    return TokenCalls.javaName(arg, call.advantagePerSequence);
  }

  /** {@code Metrics.at} calls its argument memory. */
  private String nameOfMemory(Arg arg) {
    return arg.name.equals("metrics") ? "memory" : name(arg);
  }

  private @Nullable Refusal type(Arg arg) {
    DType type = draw.of(TYPES);
    boolean allowed =
        type == arg.dtype
            || (arg.name.equals("logits") && type.isFloating())
            || (arg.name.equals("targets") && (type == DType.INT32 || type == DType.INT64));
    if (allowed || (arg.name.equals("logits") && arg.values == null)) {
      return null;
    }
    arg.dtype = type;
    detach(arg);
    return Refusal.of("type", nameOfMemory(arg));
  }

  private @Nullable Refusal length(Arg arg) {
    boolean free =
        arg.use == Use.SCRATCH
            || arg.name.equals("offsets")
            || (arg.name.equals("logits") && call.arg("rowIndex") != null)
            || (arg.name.equals("rewards") && call.kernel.equals("conveniences"));
    boolean wide = !arg.isVector() && draw.oneIn(2);
    if (free || (arg.name.equals("states") && !wide) || (wide && arg.name.equals("logits"))) {
      return null;
    }
    int change = draw.oneIn(2) && (wide ? arg.columns > 1 : arg.rows > 0) ? -1 : 1;
    if (wide) {
      arg.columns += change;
    } else {
      arg.rows += change;
    }
    detach(arg);
    return switch (arg.name) {
      // Whichever of them is checked against the other.
      case "logits" -> Refusal.of("rows", "targets", "dLogits");
      case "targets" -> Refusal.of("length", "targets", "temperatures", "rowIndex");
      case "rewards" ->
          Refusal.of("length", "rewards", "advantages", "roles", "weights", "ids", "offsets");
      default -> Refusal.of(wide ? "columns" : "length", nameOfMemory(arg));
    };
  }

  private @Nullable Refusal rank(Arg arg) {
    if (arg.isVector()) {
      arg.columns = 1;
    } else {
      arg.rows = arg.count();
      arg.columns = Arg.VECTOR;
    }
    detach(arg);
    return Refusal.of("rank", nameOfMemory(arg));
  }

  private @Nullable Refusal absent(Arg arg) {
    boolean batched = arg.nativeName.startsWith("batch.");
    boolean byObjective =
        batched
            || arg.name.equals("weights")
            || (arg.name.equals("entropy") && arg.use == Use.INPUT);
    if (!arg.required || (byObjective && call.tokens == 0)) {
      return null; // what options ask for is not asked for of no tokens
    }
    return defect(arg, Defect.ABSENT, true, batched ? arg.nativeName : arg.name);
  }

  private boolean mayNotHaveGaps(Arg arg) {
    return (arg.name.equals("state") || arg.name.equals("states")) && arg.over == null;
  }

  private @Nullable Refusal defect(Arg arg, Defect defect, boolean applies, String... names) {
    boolean reused = call.args().stream().anyMatch(other -> other.over == arg);
    if (!applies || (reused && defect != Defect.ABSENT)) {
      return null;
    }
    if (defect == Defect.READ_ONLY || defect == Defect.SHORT || defect == Defect.BYTE_ORDER) {
      arg.strided = false; // what the view is made of is dense
      arg.over = null;
    }
    if (defect == Defect.GAPS || defect == Defect.MISALIGNED) {
      arg.over = null;
    }
    if (defect == Defect.MISALIGNED && arg.alignment > arg.dtype.bytes()) {
      names = new String[] {nameOfMemory(arg)};
    }
    arg.defect = defect;
    return Refusal.of(defect.name(), names);
  }

  private @Nullable Refusal onDevice(Arg arg) {
    Refusal refusal = defect(arg, Defect.ON_DEVICE, true, nameOfDevice(arg));
    if (refusal == null || !OF_BATCH.contains(name(arg)) || isOfGroups()) {
      return refusal;
    }
    // A batch whose first view is on a device expects the others there.
    List<String> names = new ArrayList<>(OF_BATCH);
    names.add("batch");
    return new Refusal(refusal.way(), refusal.type(), names, null);
  }

  private String nameOfDevice(Arg arg) {
    return arg.name.equals("logits") ? "targets" : name(arg);
  }

  private boolean isOfGroups() {
    return call.kernel.equals("group_advantage");
  }

  private @Nullable Refusal closed(Arg arg) {
    if (arg.count() == 0 || isUnused(arg)) {
      return null;
    }
    boolean rows = draw.oneIn(3);
    arg.over = null;
    arg.defect = rows ? Defect.CLOSED_ROWS : Defect.CLOSED;
    return Refusal.closed(arg.defect.name(), nameOfMemory(arg), "view");
  }

  /** Whitening knows no sequences. */
  private boolean isUnused(Arg arg) {
    return arg.name.equals("offsets") && call.kernel.equals("whiten");
  }

  private @Nullable Refusal overlap(Arg arg) {
    List<Arg> args = call.args();
    Arg other = args.get(draw.below(args.size()));
    boolean covered = args.stream().anyMatch(a -> a.over == arg || a.over == other);
    if (arg.use == Use.INPUT || arg == other || arg.over != null || covered) {
      return null;
    }
    // Of a workspace only what is needed may not overlap.
    if (arg.count() == 0 || other.over != null || other.use == Use.SCRATCH || isUnused(other)) {
      return null;
    }
    boolean inPlace =
        (arg.name.equals("dLogits") && other.name.equals("logits"))
            || (arg.name.equals("out") && other.name.equals("x"))
            || (arg.name.equals("state") && other.name.equals("states"));
    int step = Math.max(Math.max(arg.alignment, arg.dtype.bytes()), other.dtype.bytes());
    if (other.count() * other.dtype.bytes() <= step) {
      return null;
    }
    arg.over = other;
    arg.overBytes = inPlace ? step : 0;
    other.alignment = Math.max(other.alignment, step);
    return Refusal.overlap(arg.nativeName);
  }

  private @Nullable Refusal object() {
    if (call.kernel.equals("conveniences")) {
      return null;
    }
    if (draw.oneIn(4)) {
      call.backend = NO_DEVICE;
      return Refusal.unavailable();
    }
    String[] names =
        switch (call.kernel) {
          case "row_stats" -> new String[] {"backend", "logits", "out"};
          case "row_stats_merge" -> new String[] {"backend", "out"};
          case "logits_grad" -> new String[] {"backend", "logits"};
          case "policy_step" ->
              new String[] {"backend", "logits", "batch", "objective", "normalizers", "out"};
          case "token_objective" ->
              new String[] {"backend", "batch", "objective", "normalizers", "out"};
          case "group_advantage" -> new String[] {"backend", "in", "groups", "out"};
          case "token_advantage" -> new String[] {"backend", "batch", "out"};
          case "whiten" -> new String[] {"backend", "batch"};
          case "importance_ratio" -> new String[] {"backend", "batch", "options", "out"};
          default -> throw new IllegalStateException(call.kernel);
        };
    call.missing = draw.of(names);
    return Refusal.of("null object", call.missing);
  }
}
