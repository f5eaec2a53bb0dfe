package org.plait.lab.verify;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.plait.TensorView;
import org.plait.lab.verify.Check.Verdict;

/** The judge is judged: what it lets pass, and what it does not. */
class ErrorNormTest {

  private static Check one(
      Precision output, double oracle, double kernel, double reference, double scale) {
    ErrorNorm norm = new ErrorNorm(output);
    norm.add(oracle, scale, kernel, reference, 0, 0);
    return norm.check("k", "1", output.label(), "", false);
  }

  @Test
  void twiceTheErrorOfTheReferenceAndARoundingIsAllowed() {
    double reference = 1 + 1e-6;
    assertEquals(Verdict.PASS, one(Precision.FLOAT32, 1, 1 + 2e-6, reference, 1).verdict());
    assertEquals(Verdict.FAIL, one(Precision.FLOAT32, 1, 1 + 2.2e-6, reference, 1).verdict());
  }

  @Test
  void anExactReferenceLeavesOneRounding() {
    double third = 1 / 3.0;
    assertEquals(Verdict.PASS, one(Precision.FLOAT32, third, (float) third, third, 1).verdict());
    float next = Math.nextUp(Math.nextUp((float) third));
    assertEquals(Verdict.FAIL, one(Precision.FLOAT32, third, next, third, 1).verdict());
  }

  @Test
  void truncationToBfloat16IsNotRounding() {
    double oracle = 1.0068; // between 1 and 1.0078125, nearer to the latter
    assertEquals(Verdict.PASS, one(Precision.BFLOAT16, oracle, 1.0078125, oracle, 1).verdict());
    assertEquals(Verdict.FAIL, one(Precision.BFLOAT16, oracle, 1, oracle, 1).verdict());
  }

  @Test
  void nothingButZerosIsNoEvidence() {
    assertEquals(Verdict.FAIL, one(Precision.FLOAT32, 0, 0, 0, 1).verdict());
    ErrorNorm norm = new ErrorNorm(Precision.FLOAT32);
    norm.add(0, 1, 0, 0, 0);
    assertEquals(Verdict.PASS, norm.check("k", "1", "f32", "", 0, true).verdict());
  }

  @ParameterizedTest
  @CsvSource({"NaN, 0", "0, NaN", "Infinity, 3e38", "1, Infinity", "Infinity, -Infinity"})
  void whatIsNotFiniteMustBeTheSame(double oracle, double kernel) {
    assertEquals(Verdict.FAIL, one(Precision.FLOAT32, oracle, kernel, oracle, 1).verdict());
    ErrorNorm same = new ErrorNorm(Precision.FLOAT32);
    same.add(oracle, 1, oracle, 0, 0);
    same.add(kernel, 1, kernel, 0, 1);
    assertEquals(Verdict.PASS, same.check("k", "2", "f32", "", 0, false).verdict());
  }

  @Test
  void aZeroScaleAllowsNothingBeyondARounding() {
    ErrorNorm norm = new ErrorNorm(Precision.FLOAT32);
    norm.add(0, 0, 1e-30, 0, 7);
    Check check = norm.check("k", "1", "f32", "", 1e-6, true);
    assertEquals(Verdict.FAIL, check.verdict());
    assertTrue(check.note().startsWith("element 7 is 1.0"), check.note());
  }

  @Test
  void mergingKeepsTheWorst() {
    ErrorNorm right = new ErrorNorm(Precision.FLOAT32);
    right.add(1, 1, 1, 1, 0, 0);
    ErrorNorm wrong = new ErrorNorm(Precision.FLOAT32);
    wrong.add(1, 1, 2, 1, 0, 5);
    right.merge(wrong);
    Check check = right.check("k", "1", "f32", "", false);
    assertEquals(Verdict.FAIL, check.verdict());
    assertTrue(check.note().startsWith("element 5"), check.note());
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void precisionRoundsAsTheConversionsDo(Precision precision) {
    TensorView view = TensorView.allocate(precision.dtype(), 1);
    for (int i = -3000; i < 3000; i++) {
      float value = (float) (Math.pow(1.0091, i) * (i % 2 == 0 ? 1 : -1));
      if (Math.abs(value) < 65000) {
        view.setFloat(0, value);
        assertEquals(precision.round(value), view.getFloat(0), "of " + value);
      }
    }
  }
}
