package org.plait;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.api.Test;

class HalfFloatsTest {
  @Test
  void everyFloat16SurvivesTheWayThroughFloat32() {
    for (int bits = 0; bits < 1 << 16; bits++) {
      short half = (short) bits;
      float value = HalfFloats.float16ToFloat(half);
      short back = HalfFloats.floatToFloat16(value);
      if (Float.isNaN(value)) {
        assertTrue(Float.isNaN(HalfFloats.float16ToFloat(back)));
      } else {
        assertEquals(half, back, "bits " + Integer.toHexString(bits));
      }
    }
  }

  @Test
  void float16HasTheValuesOfTheStandard() {
    assertEquals(1f, HalfFloats.float16ToFloat((short) 0x3c00));
    assertEquals(-2f, HalfFloats.float16ToFloat((short) 0xc000));
    assertEquals(65504f, HalfFloats.float16ToFloat((short) 0x7bff));
    assertEquals(0x1p-24f, HalfFloats.float16ToFloat((short) 1));
    assertEquals(0x1p-14f, HalfFloats.float16ToFloat((short) 0x400));
    assertEquals(Float.NEGATIVE_INFINITY, HalfFloats.float16ToFloat((short) 0xfc00));
  }

  @Test
  void roundingToFloat16GoesToTheNearestAndTiesToEven() {
    Random random = new Random(1);
    for (int i = 0; i < 200_000; i++) {
      float value = (float) Math.scalb(2 * random.nextDouble() - 1, random.nextInt(42) - 26);
      short half = HalfFloats.floatToFloat16(value);
      double error = Math.abs((double) HalfFloats.float16ToFloat(half) - value);
      for (int step = -1; step <= 1; step += 2) {
        double other = HalfFloats.float16ToFloat((short) (half + step));
        double otherError = Math.abs(other - value);
        assertTrue(
            Double.isNaN(other) || error < otherError || (error == otherError && half % 2 == 0),
            () -> "value " + value);
      }
    }
    assertEquals((short) 0x7bff, HalfFloats.floatToFloat16(65519.996f));
    assertEquals((short) 0x7c00, HalfFloats.floatToFloat16(65520f));
  }

  @Test
  void roundingToBfloat16GoesToTheNearestAndTiesToEven() {
    assertEquals((short) 0x3f80, HalfFloats.floatToBfloat16(1 + 0x1p-8f));
    assertEquals((short) 0x3f81, HalfFloats.floatToBfloat16(1 + 0x1.2p-8f));
    assertEquals((short) 0x3f82, HalfFloats.floatToBfloat16(1 + 0x3p-8f));
    assertEquals((short) 0xbf80, HalfFloats.floatToBfloat16(-1 - 0x1p-8f));
    assertEquals((short) 0x7f80, HalfFloats.floatToBfloat16(Float.MAX_VALUE));
    assertEquals((short) 0xff80, HalfFloats.floatToBfloat16(Float.NEGATIVE_INFINITY));
    assertTrue(Float.isNaN(widened(HalfFloats.floatToBfloat16(Float.NaN))));
    assertTrue(Float.isNaN(widened(HalfFloats.floatToBfloat16(Float.intBitsToFloat(0x7f800001)))));
  }

  private static float widened(short bfloat16) {
    return Float.intBitsToFloat(bfloat16 << 16);
  }
}
