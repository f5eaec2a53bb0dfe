package org.plait.lab.oracle;

import org.plait.KlEstimator;
import org.plait.KlForm;
import org.plait.KlTerm;

/**
 * Definition of the KL term of a token, in float64: the estimator k of {@code d = logp - ref_logp},
 * the form in which it enters the loss, and the limits, outside of which there is no gradient.
 *
 * @param value as it enters the loss, before its weight
 * @param slope its derivative with respect to logp
 * @param slopeMagnitude sum of the absolute values of the terms of the slope
 */
record KlOracle(double value, double slope, double slopeMagnitude) {

  static KlOracle of(KlTerm term, double exact, double logRatio) {
    double logLimit = term.logLimit();
    double d = Math.max(-logLimit, Math.min(logLimit, exact));
    boolean inside = d == exact || Double.isNaN(exact);
    double k = value(term.estimator(), d);
    double derivative = inside ? slope(term.estimator(), d) : 0;
    double r = Math.exp(logRatio);
    if (r == 0 && usesRatio(term.form())) {
      return of(0, 0); // whatever it multiplies, which may have overflowed
    }
    KlOracle free =
        switch (term.form()) {
          case PLAIN -> of(k, derivative);
          case STRAIGHT_THROUGH -> of(k, inside ? d : 0);
          case TIMES_FIXED_RATIO -> of(r * k, r * derivative);
          case TIMES_RATIO ->
              term.estimator() == KlEstimator.K3 && inside
                  ? of(r * k, r * d) // exp(-d) - 1 + d and its derivative 1 - exp(-d) add up to d
                  : new KlOracle(
                      r * k, r * (k + derivative), r * (Math.abs(k) + Math.abs(derivative)));
        };
    double valueLimit = term.valueLimit();
    if (Math.abs(free.value) > valueLimit) {
      return of(Math.copySign(valueLimit, free.value), 0);
    }
    return free;
  }

  private static KlOracle of(double value, double slope) {
    return new KlOracle(value, slope, Math.abs(slope));
  }

  private static double value(KlEstimator estimator, double d) {
    return switch (estimator) {
      case K1 -> d;
      case K2 -> d * d / 2;
      case K3 -> expMinusOneMinus(-d);
      case ABS -> Math.abs(d);
    };
  }

  private static double slope(KlEstimator estimator, double d) {
    return switch (estimator) {
      case K1 -> 1;
      case K2 -> d;
      case K3 -> -Math.expm1(-d);
      case ABS -> Math.signum(d);
    };
  }

  /** exp(x) - 1 - x, by its series where the difference would cancel. */
  static double expMinusOneMinus(double x) {
    if (Math.abs(x) > 0.1) {
      return Math.expm1(x) - x;
    }
    double term = x * x / 2;
    double sum = 0;
    for (int k = 3; k < 20; k++) {
      sum += term;
      term *= x / k;
    }
    return sum;
  }

  /** Whether the form multiplies by the ratio to the behaviour policy. */
  static boolean usesRatio(KlForm form) {
    return form == KlForm.TIMES_RATIO || form == KlForm.TIMES_FIXED_RATIO;
  }
}
