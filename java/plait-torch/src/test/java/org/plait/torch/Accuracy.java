package org.plait.torch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * The criterion that kernels are held to: against a float64 computation, an error of no more than
 * twice that of the same textbook computation in float32, plus one rounding to the output's type.
 */
final class Accuracy {
  private Accuracy() {}

  /**
   * Asserts the criterion.
   *
   * @param name of what is compared
   * @param actual from Plait
   * @param textbook by PyTorch in float32
   * @param exact by PyTorch in float64
   */
  static void check(String name, Tensor actual, Tensor textbook, Tensor exact) {
    double[] got = Tensors.values(actual);
    double[] single = Tensors.values(textbook);
    double[] wanted = Tensors.values(exact);
    assertEquals(wanted.length, got.length, name);
    assertTrue(Tensors.largest(wanted) > 1e-4, () -> name + " is trivially zero");
    double allowed = 2 * distance(single, wanted);
    assertTrue(allowed > 0, () -> name + ": float32 cannot be exact");
    torch.ScalarType type = actual.scalar_type().intern();
    for (int i = 0; i < got.length; i++) {
      double rounding = rounding(type, Math.max(Math.abs(got[i]), Math.abs(wanted[i])));
      double error = Math.abs(got[i] - wanted[i]);
      if (!(error <= allowed + rounding)) {
        assertEquals(wanted[i], got[i], allowed + rounding, name + " " + i);
      }
    }
  }

  private static double distance(double[] a, double[] b) {
    double distance = 0;
    for (int i = 0; i < a.length; i++) {
      distance = Math.max(distance, Math.abs(a[i] - b[i]));
    }
    return distance;
  }

  /** Half the distance between neighbouring numbers of a type. */
  private static double rounding(torch.ScalarType type, double magnitude) {
    int exponent = Math.max(Math.getExponent(magnitude), smallestExponent(type));
    return Math.scalb(1.0, exponent - precision(type));
  }

  /** Bits of the significand, the hidden one too. */
  private static int precision(torch.ScalarType type) {
    return switch (type) {
      case Float -> 24;
      case BFloat16 -> 8;
      case Half -> 11;
      default -> throw new IllegalArgumentException("type: " + type);
    };
  }

  private static int smallestExponent(torch.ScalarType type) {
    return type == torch.ScalarType.Half ? -14 : Float.MIN_EXPONENT;
  }
}
