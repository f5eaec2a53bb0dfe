package org.plait.torture;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.plait.Backend;
import org.plait.DType;
import org.plait.Logits;
import org.plait.Metrics;
import org.plait.Normalizers;
import org.plait.Objective;
import org.plait.TensorView;
import org.plait.TokenBatch;
import org.plait.torture.Arena.Range;
import org.plait.torture.Arg.Use;

/** A call of the public API with all that it is given, before any of it lies in memory. */
final class Call {
  /** What calls the kernel. */
  interface Body {
    void run(Call call);
  }

  final String kernel;
  final int tokens;
  @Nullable Body body;
  Backend backend = Backend.cpu();
  Objectives.@Nullable Needs needs;
  Normalizers normalizers = Normalizers.NONE;
  float temperature = 1;
  long vocabBegin;
  long vocabTotal;
  long parts = 1;
  boolean advantagePerSequence;

  /** Metrics that a call without a view writes to; those of a worker. */
  @Nullable Metrics metrics;

  /** The object that is null in this call, by the name of its parameter. */
  String missing = "";

  /** What the call returned; 0 if nothing. */
  long returned;

  private final Map<String, Arg> args = new LinkedHashMap<>();
  private final Map<String, TensorView> views = new HashMap<>();

  Call(String kernel, int tokens) {
    this.kernel = kernel;
    this.tokens = tokens;
  }

  Arg add(Arg arg) {
    args.put(arg.name, arg);
    return arg;
  }

  Arg input(String name, String nativeName, boolean required, DType dtype, double... values) {
    Arg arg = new Arg(name, nativeName, Use.INPUT, required, dtype, values.length, Arg.VECTOR);
    arg.values = values;
    return add(arg);
  }

  Arg output(String name, String nativeName, boolean required, DType dtype, int count) {
    return add(new Arg(name, nativeName, Use.OUTPUT, required, dtype, count, Arg.VECTOR));
  }

  void scratch(long bytes) {
    Arg arg =
        new Arg("workspace", "workspace", Use.SCRATCH, true, DType.UINT8, (int) bytes, Arg.VECTOR);
    arg.alignment = Long.BYTES;
    add(arg);
  }

  List<Arg> args() {
    return List.copyOf(args.values());
  }

  @Nullable Arg arg(String name) {
    return args.get(name);
  }

  void remove(String name) {
    args.remove(name);
  }

  /** Lays every array down, those that lie over others last. */
  void place(Arena arena, SplittableRandom random) {
    for (boolean over : new boolean[] {false, true}) {
      for (Arg arg : args.values()) {
        if ((arg.over != null) == over) {
          arg.place(arena, random);
        }
      }
    }
  }

  /** Moves a gradient in place, or out of it: that changes no bit. */
  void moveGradient() {
    Arg gradient = args.get("dLogits");
    if (gradient != null) {
      gradient.over = gradient.over == null ? args.get("logits") : null;
    }
  }

  /** Whether anything has been counted in the metrics of a call that was refused. */
  boolean hasMetrics() {
    return metrics != null && (metrics.tokens() != 0 || metrics.loss() != 0);
  }

  List<Range> written() {
    List<Range> ranges = new ArrayList<>();
    args.values().forEach(arg -> arg.addRanges(ranges));
    return ranges;
  }

  void makeViews(Arena arena) {
    views.clear();
    returned = 0;
    for (Arg arg : args.values()) {
      TensorView view = arg.view(arena);
      if (view != null) {
        views.put(arg.name, view);
      }
    }
  }

  /** Drops the views, so that the call alone has to keep their owners. */
  void forgetViews() {
    views.clear();
  }

  void run() {
    Objects.requireNonNull(body).run(this);
  }

  long digest(Arena arena) {
    long hash = Numbers.mix(returned);
    Metrics own = metrics;
    if (own != null) {
      for (double sum : new double[] {own.loss(), own.policyTokens(), own.entropyMean()}) {
        hash = Numbers.mix(hash ^ Double.doubleToLongBits(sum));
      }
    }
    for (Arg arg : args.values()) {
      hash = arg.digest(arena, hash);
    }
    return hash;
  }

  @Nullable TensorView optional(String name) {
    return views.remove(name);
  }

  /** An argument as the caller passes it: null where that is what is wrong with it. */
  @SuppressWarnings("NullAway")
  TensorView view(String name) {
    return views.remove(name);
  }

  @SuppressWarnings({"NullAway", "TypeParameterUnusedInFormals"})
  private static <T> T absent() {
    return null;
  }

  /** Likewise, for what is not an array. */
  @SuppressWarnings("NullAway")
  <T> T given(String name, T value) {
    return missing.equals(name) ? null : value;
  }

  Backend backend() {
    return given("backend", backend);
  }

  Objective objective() {
    return given("objective", Objects.requireNonNull(needs).objective());
  }

  Logits logits() {
    if (missing.equals("logits")) {
      return absent();
    }
    Logits.Builder builder = Logits.builder(view("logits"), view("targets"));
    TensorView temperatures = optional("temperatures");
    if (temperatures == null) {
      builder.temperature(temperature);
    } else {
      builder.temperatures(temperatures);
    }
    TensorView rowIndex = optional("rowIndex");
    if (rowIndex != null) {
      builder.rowIndex(rowIndex);
    }
    if (vocabTotal != 0) {
      builder.shard(vocabBegin, vocabTotal);
    }
    return builder.build();
  }

  TokenBatch batch() {
    TokenBatch.Builder builder = TokenBatch.builder(tokens);
    TensorView offsets = optional("offsets");
    if (offsets != null) {
      builder.offsets(offsets);
    }
    TensorView roles = optional("roles");
    if (roles != null) {
      builder.roles(roles);
    }
    TensorView advantages = optional("batchAdvantages");
    if (advantages != null && advantagePerSequence) {
      builder.sequenceAdvantages(advantages);
    } else if (advantages != null) {
      builder.advantages(advantages);
    }
    TensorView old = optional("oldLogProbs");
    if (old != null) {
      builder.oldLogProbs(old);
    }
    TensorView reference = optional("referenceLogProbs");
    if (reference != null) {
      builder.referenceLogProbs(reference);
    }
    TensorView sampler = optional("samplerLogProbs");
    if (sampler != null) {
      builder.samplerLogProbs(sampler);
    }
    return given("batch", builder.build());
  }

  /** Metrics in a view, in the worker's object, or none. */
  @Nullable Metrics metrics() {
    TensorView memory = optional("metrics");
    return memory == null ? metrics : Metrics.at(memory);
  }

  @Override
  public String toString() {
    String what = needs == null ? "" : " " + needs.objective();
    String odd = missing.isEmpty() ? "" : " without " + missing;
    return kernel + args.values() + odd + " temperature=" + temperature + what;
  }
}
