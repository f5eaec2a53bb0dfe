package org.plait.lab.oracle;

import org.jspecify.annotations.Nullable;

/**
 * Definitions of {@code token_advantage} and {@code whiten} in float64: generalised advantage
 * estimation by direct summation, and standardisation over all tokens that are not ignored.
 */
public final class TokenAdvantageOracle {

  /**
   * The answer.
   *
   * @param advantages [T]
   * @param returns [T]
   * @param magnitudes [T] sum of the absolute values of what an advantage or return adds up
   */
  @SuppressWarnings("ArrayRecordComponent") // plain data, never compared
  public record Result(double[] advantages, double[] returns, double[] magnitudes) {}

  private TokenAdvantageOracle() {}

  /**
   * Advantages and returns of every token: {@code A_t = sum over k of (gamma lambda)^k
   * delta_{t+k}}, the sum being over the tokens of the sequence that are not ignored, or, with
   * {@code restart}, over those before the next ignored one.
   */
  public static Result evaluate(
      double[] rewards,
      double @Nullable [] values,
      byte @Nullable [] roles,
      long[] offsets,
      double gamma,
      double lambda,
      boolean restart) {
    int n = rewards.length;
    Result result = new Result(new double[n], new double[n], new double[n]);
    for (int i = 0; i + 1 < offsets.length; i++) {
      for (int t = (int) offsets[i]; t < offsets[i + 1]; t++) {
        if (ignored(roles, t)) {
          continue;
        }
        double factor = 1;
        for (int u = t; u < offsets[i + 1] && !(restart && ignored(roles, u)); u++) {
          if (!ignored(roles, u)) {
            double value = values == null ? 0 : values[u];
            double next = values == null ? 0 : nextValue(values, roles, u, offsets[i + 1], restart);
            result.advantages[t] += factor * (rewards[u] + gamma * next - value);
            result.magnitudes[t] +=
                factor * (Math.abs(rewards[u]) + gamma * Math.abs(next) + Math.abs(value));
            factor *= gamma * lambda;
          }
        }
        result.returns[t] = result.advantages[t] + (values == null ? 0 : values[t]);
      }
    }
    return result;
  }

  private static boolean ignored(byte @Nullable [] roles, int t) {
    return roles != null && roles[t] == 0;
  }

  private static double nextValue(
      double[] values, byte @Nullable [] roles, int t, long end, boolean restart) {
    for (int u = t + 1; u < end; u++) {
      if (!ignored(roles, u)) {
        return values[u];
      }
      if (restart) {
        return 0;
      }
    }
    return 0;
  }

  /**
   * {@code (x - mean) / sqrt(max(variance, floor) + epsilon)}, or {@code x / sqrt(...)} without a
   * shift; 0 for ignored tokens, for fewer than two, and for equal ones.
   */
  public static double[] whiten(
      double[] x,
      byte @Nullable [] roles,
      boolean sample,
      boolean shift,
      double floor,
      double epsilon) {
    double n = 0;
    double sum = 0;
    boolean constant = true;
    double first = Double.NaN;
    for (int t = 0; t < x.length; t++) {
      if (!ignored(roles, t)) {
        constant &= n == 0 || x[t] == first;
        first = n == 0 ? x[t] : first;
        n++;
        sum += x[t];
      }
    }
    double[] result = new double[x.length];
    if (n < 2 || constant) {
      return result;
    }
    double mean = sum / n;
    double squares = 0;
    for (int t = 0; t < x.length; t++) {
      squares += ignored(roles, t) ? 0 : (x[t] - mean) * (x[t] - mean);
    }
    double divisor = Math.sqrt(Math.max(squares / (sample ? n - 1 : n), floor) + epsilon);
    for (int t = 0; t < x.length; t++) {
      result[t] = ignored(roles, t) ? 0 : (shift ? x[t] - mean : x[t]) / divisor;
    }
    return result;
  }
}
