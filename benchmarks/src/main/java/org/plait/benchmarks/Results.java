package org.plait.benchmarks;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What {@link Suite} measured, and which measurements belong beside each other. */
final class Results {
  private final List<Measurement> all = new ArrayList<>();

  /** Of the JSON that {@link Suite} writes. */
  Results(JsonNode document) {
    for (JsonNode entry : document.path("jmh")) {
      all.add(Measurement.of(entry));
    }
  }

  /** In the order in which they were measured. */
  List<Measurement> all() {
    return all;
  }

  /** The same work by PyTorch. */
  Optional<Measurement> peer(Measurement plait) {
    return find(plait.benchmark(), "torchEager", plait);
  }

  /** Of another kernel on the same logits, and with the same objective if it has one. */
  Optional<Measurement> find(String benchmark, String method, Measurement like) {
    return all.stream()
        .filter(m -> m.benchmark().equals(benchmark) && m.method().equals(method))
        .filter(m -> m.sameLogits(like))
        .filter(m -> m.objective().isEmpty() || m.objective().equals(like.objective()))
        .findFirst();
  }

  /**
   * The bandwidth of a kernel on logits over that of reading the same memory, or, where it
   * overwrites the logits, of scaling it in place.
   */
  Optional<Double> shareOfRoof(Measurement kernel) {
    if (kernel.vocab() == 0) {
      return Optional.empty();
    }
    return find("Bandwidth", kernel.isGradient() ? "scale" : "read", kernel)
        .map(roof -> roof.time() / kernel.time());
  }
}
