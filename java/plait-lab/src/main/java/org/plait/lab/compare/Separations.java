package org.plait.lab.compare;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** Says which differences between arms are larger than those between seeds. */
final class Separations {

  private Separations() {}

  /** For each kind of success, which arms the best one is above whatever the seed. */
  static String text(List<ArmResult> results) {
    if (results.size() < 2 || results.get(0).runs().size() < 2) {
      return "Nothing: that takes several arms with several seeds each.\n";
    }
    StringBuilder text = new StringBuilder();
    for (Metric metric : Metric.values()) {
      if (metric.isSuccess()) {
        text.append("- ").append(metric.title()).append(": ");
        text.append(separation(metric, results)).append(".\n");
      }
    }
    return text.toString();
  }

  private static String separation(Metric metric, List<ArmResult> results) {
    List<ArmResult> ordered =
        results.stream()
            .sorted(Comparator.comparingDouble((ArmResult result) -> -result.after(metric).mean()))
            .toList();
    ArmResult best = ordered.get(0);
    List<String> below = new ArrayList<>();
    List<String> within = new ArrayList<>();
    for (ArmResult other : ordered.subList(1, ordered.size())) {
      boolean separate = best.after(metric).isAbove(other.after(metric));
      (separate ? below : within).add(other.arm().label());
    }
    List<String> said = new ArrayList<>();
    if (!below.isEmpty()) {
      said.add(
          "%s is above %s in every seed".formatted(best.arm().label(), String.join("; ", below)));
    }
    if (!within.isEmpty()) {
      said.add(
          "the range of %s overlaps with that of %s"
              .formatted(best.arm().label(), String.join("; ", within)));
    }
    return String.join("; ", said);
  }
}
