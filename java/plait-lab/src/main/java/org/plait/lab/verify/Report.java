package org.plait.lab.verify;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.plait.Backend;
import org.plait.lab.verify.Check.Verdict;

/** All checks of a run, as a table or as JSON. */
final class Report {

  private static final int MOST_FAILURES = 40;

  /** Checks that share a line of the table. */
  private record Key(String kernel, String shape, String dtype) {}

  private final Backend backend;
  private final List<Check> checks;
  private final double seconds;

  Report(Backend backend, List<Check> checks, double seconds) {
    this.backend = backend;
    this.checks = List.copyOf(checks);
    this.seconds = seconds;
  }

  long count(Verdict verdict) {
    return checks.stream().filter(check -> check.verdict() == verdict).count();
  }

  /**
   * One line per kernel, shape and type: of its checks, the one that comes nearest to its limit.
   */
  void print(PrintWriter out) {
    Map<Key, List<Check>> lines = new LinkedHashMap<>();
    for (Check check : checks) {
      lines
          .computeIfAbsent(
              new Key(check.kernel(), check.shape(), check.dtype()), key -> new ArrayList<>())
          .add(check);
    }
    String format = "%-28s %-14s %-5s %7s %10s %10s %8s  %-7s %s%n";
    out.printf(
        Locale.ROOT,
        format,
        "kernel",
        "shape",
        "type",
        "checks",
        "error",
        "reference",
        "share",
        "verdict",
        "nearest to its limit");
    lines.forEach(
        (key, group) -> {
          Check worst = worst(group);
          out.printf(
              Locale.ROOT,
              format,
              key.kernel,
              key.shape,
              key.dtype,
              group.size(),
              number(worst.error()),
              number(worst.reference()),
              Double.isNaN(worst.error()) ? "exact" : share(worst.share()),
              JsonFields.lower(worst.verdict()),
              worst.variant());
        });
    out.println();
    out.println(
        "error, reference: largest error of the kernel, and of PyTorch with the textbook formula in"
            + " float32, relative to what the formula adds up;");
    out.println(
        "share: of what is allowed, twice the reference's error and one rounding of the output,"
            + " or for objectives 1e-6.");
    List<Check> failures =
        checks.stream().filter(check -> check.verdict() == Verdict.FAIL).toList();
    for (Check failure : failures.subList(0, Math.min(MOST_FAILURES, failures.size()))) {
      out.println("FAIL " + failure.describe());
    }
    if (failures.size() > MOST_FAILURES) {
      out.println("... and " + (failures.size() - MOST_FAILURES) + " more; --json has them all");
    }
    for (Check check : checks) {
      if (check.verdict() == Verdict.SKIP) {
        out.println("SKIP " + check.describe());
      }
    }
    out.printf(
        Locale.ROOT,
        "%nPlait %s, %s: %d checks in %.1f s, %d passed, %d skipped, %d failed%n",
        Backend.nativeVersion(),
        target(),
        checks.size(),
        seconds,
        count(Verdict.PASS),
        count(Verdict.SKIP),
        failures.size());
    out.flush();
  }

  /** What the kernels were compiled for. */
  private String target() {
    return backend.device() < 0 ? backend.target() : backend.toString();
  }

  private static Check worst(List<Check> group) {
    Check worst = group.get(0);
    for (Check check : group) {
      int order = check.verdict().compareTo(worst.verdict());
      boolean numbers = Double.isNaN(worst.error()) && !Double.isNaN(check.error());
      if (order > 0 || (order == 0 && (check.share() > worst.share() || numbers))) {
        worst = check;
      }
    }
    return worst;
  }

  private static String number(double value) {
    return Double.isNaN(value) ? "-" : String.format(Locale.ROOT, "%.1e", value);
  }

  private static String share(double value) {
    return String.format(Locale.ROOT, value < 100 ? "%.2f" : "%.1e", value);
  }

  ObjectNode json() {
    ObjectNode json = JsonFields.MAPPER.createObjectNode();
    json.put("plait", Backend.nativeVersion());
    json.put("backend", backend.toString());
    json.put("target", target());
    json.put("seconds", seconds);
    json.put("passed", count(Verdict.PASS));
    json.put("skipped", count(Verdict.SKIP));
    json.put("failed", count(Verdict.FAIL));
    ArrayNode array = json.putArray("checks");
    for (Check check : checks) {
      ObjectNode node = array.addObject();
      node.put("kernel", check.kernel());
      node.put("shape", check.shape());
      node.put("dtype", check.dtype());
      node.put("variant", check.variant());
      put(node, "error", check.error());
      put(node, "reference", check.reference());
      put(node, "share", check.share());
      node.put("verdict", JsonFields.lower(check.verdict()));
      node.put("note", check.note());
    }
    return json;
  }

  /** JSON has neither NaN, which is left out, nor infinity, which is a string as in case files. */
  private static void put(ObjectNode node, String name, double value) {
    if (Double.isInfinite(value)) {
      node.put(name, "inf");
    } else if (!Double.isNaN(value)) {
      node.put(name, value);
    }
  }
}
