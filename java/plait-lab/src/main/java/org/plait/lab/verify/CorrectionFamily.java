package org.plait.lab.verify;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.plait.Aggregation;
import org.plait.CorrectionBounds;
import org.plait.CorrectionLevel;
import org.plait.FilterAction;
import org.plait.KlEstimator;
import org.plait.Objective;
import org.plait.PolicyLoss;
import org.plait.Population;
import org.plait.Rule;
import org.plait.SamplerCorrection;
import org.plait.Term;

/** Sampler corrections: every level, bound and filter. */
final class CorrectionFamily {

  private static final float NONE = Float.POSITIVE_INFINITY;
  private static final Term SEQUENCES =
      new Term(1, Aggregation.SEQ_MEAN_TOKEN_MEAN, Population.ALL_TOKENS);

  private final Map<String, Objective> all = new LinkedHashMap<>();

  private CorrectionFamily() {}

  static Map<String, Objective> all() {
    CorrectionFamily family = new CorrectionFamily();
    family.weights();
    family.filters();
    family.vespo();
    return family.all;
  }

  private void put(String name, PolicyLoss loss, SamplerCorrection correction) {
    Rule rollout =
        Rule.builder()
            .policy(loss, SEQUENCES)
            .clip(0.2f, 0.28f)
            .samplerCorrection(true)
            .kl(KlEstimator.K3, SEQUENCES.withCoefficient(0.01f))
            .build();
    Rule demonstration = Rule.builder().nll(SEQUENCES).build();
    all.put(
        name,
        Objective.builder()
            .rollout(rollout)
            .demonstration(demonstration)
            .correction(correction)
            .build());
  }

  private static SamplerCorrection weights(
      CorrectionLevel level, CorrectionBounds bounds, float logLimit, boolean normalise) {
    float low = bounds == CorrectionBounds.MASK ? 0.5f : 0;
    return new SamplerCorrection(
        level,
        bounds,
        low,
        level == CorrectionLevel.SEQUENCE_SUM ? 5 : 2,
        logLimit,
        normalise,
        CorrectionLevel.NONE,
        KlEstimator.K1,
        0,
        NONE,
        FilterAction.REJECT);
  }

  private void weights() {
    for (CorrectionLevel level :
        List.of(
            CorrectionLevel.TOKEN, CorrectionLevel.SEQUENCE_SUM, CorrectionLevel.SEQUENCE_MEAN)) {
      for (CorrectionBounds bounds : CorrectionBounds.values()) {
        for (boolean normalise : new boolean[] {false, true}) {
          put(
              "correction by "
                  + JsonFields.lower(level)
                  + ", "
                  + JsonFields.lower(bounds)
                  + (normalise ? ", normalised" : ""),
              PolicyLoss.CLIP,
              weights(level, bounds, 20, normalise));
        }
      }
    }
    put(
        "correction, low log limit",
        PolicyLoss.REINFORCE,
        weights(CorrectionLevel.TOKEN, CorrectionBounds.TRUNCATE, 0.5f, false));
  }

  private void filters() {
    for (CorrectionLevel level :
        List.of(
            CorrectionLevel.TOKEN,
            CorrectionLevel.SEQUENCE_SUM,
            CorrectionLevel.SEQUENCE_MEAN,
            CorrectionLevel.SEQUENCE_MAX)) {
      for (KlEstimator estimator : List.of(KlEstimator.K1, KlEstimator.K2, KlEstimator.K3)) {
        for (FilterAction action : FilterAction.values()) {
          put(
              "filter by "
                  + JsonFields.lower(level)
                  + " "
                  + JsonFields.lower(estimator)
                  + ", "
                  + JsonFields.lower(action),
              PolicyLoss.CLIP,
              filter(level, estimator, action));
        }
      }
    }
  }

  /** Thresholds that some of the samples' sequences pass and others do not. */
  private static SamplerCorrection filter(
      CorrectionLevel level, KlEstimator estimator, FilterAction action) {
    boolean sum = level == CorrectionLevel.SEQUENCE_SUM;
    boolean mean = level == CorrectionLevel.SEQUENCE_MEAN;
    float ratio = sum ? 6 : mean ? 1.25f : 2;
    float limit = sum ? 5 : mean ? 0.9f : level == CorrectionLevel.TOKEN ? 0.3f : 2;
    return new SamplerCorrection(
        CorrectionLevel.TOKEN,
        CorrectionBounds.TRUNCATE,
        0,
        2,
        20,
        false,
        level,
        estimator,
        estimator == KlEstimator.K1 ? 1 / ratio : 0,
        estimator == KlEstimator.K1 ? ratio : limit,
        action);
  }

  private void vespo() {
    put(
        "vespo, truncated weights",
        PolicyLoss.VESPO,
        weights(CorrectionLevel.TOKEN, CorrectionBounds.TRUNCATE, NONE, false));
    put(
        "vespo, masked weights",
        PolicyLoss.VESPO,
        weights(CorrectionLevel.TOKEN, CorrectionBounds.MASK, NONE, false));
  }
}
