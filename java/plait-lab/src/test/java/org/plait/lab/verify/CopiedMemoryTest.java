package org.plait.lab.verify;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.plait.Backend;
import org.plait.DType;
import org.plait.TensorView;
import org.plait.lab.verify.Check.Verdict;

/**
 * The sweep as a device runs it, with arrays that are copied for each call, on the CPU: copies must
 * change no result, keep what lies between rows, and see outputs that are inputs too.
 */
class CopiedMemoryTest {

  /** Other memory of the host, which is gone when the call is over. */
  private static final class Apart implements Memory {
    private int copies;

    @Override
    public long stream() {
      return 0;
    }

    @Override
    public Stage stage() {
      return new CopyStage(-1) {
        private final List<Pointer> blocks = new ArrayList<>();

        @Override
        TensorView allocate(long bytes) {
          TensorView block = TensorView.allocate(DType.UINT8, bytes + 256);
          blocks.add((Pointer) block.owner());
          Pointer.memset((Pointer) block.owner(), 0x5a, block.elements());
          long aligned = (256 - block.address() % 256) % 256;
          return block.rows(aligned, aligned + bytes);
        }

        @Override
        void copy(TensorView from, TensorView to) {
          copies++;
          assertEquals(from.elements(), to.elements());
          Pointer.memcpy(new At(to.address()), new At(from.address()), from.elements());
        }

        @Override
        void await() {
          // Copies are done at once.
        }

        @Override
        public void close() {
          blocks.forEach(Pointer::close);
        }
      };
    }
  }

  /** A pointer to memory that it does not own. */
  private static final class At extends Pointer {
    At(long address) {
      this.address = address;
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"SPLIT", "LAYOUT", "EDGES", "GROUPS", "RETURNS", "RATIO", "CASES"})
  void nothingChanges(Suite suite) {
    Apart memory = new Apart();
    Plan plan = new Plan(Kernels.of(Backend.cpu(), memory), true, CaseFile.builtIn());
    int checks = 0;
    for (Step step : suite.steps(plan)) {
      for (Check check : step.run()) {
        assertNotEquals(Verdict.FAIL, check.verdict(), check::describe);
        checks++;
      }
    }
    assertTrue(checks > 0);
    assertTrue(memory.copies > checks, memory.copies + " copies");
  }

  @Test
  void partsOfAnArrayStayParts() {
    TensorView matrix = TensorView.allocate(DType.FLOAT32, 4, 6);
    for (int i = 0; i < 24; i++) {
      matrix.setFloat(i, i);
    }
    try (Memory.Stage stage = new Apart().stage()) {
      TensorView there = stage.at(matrix);
      assertNotEquals(matrix.address(), there.address());
      assertEquals(matrix.address() % 256, there.address() % 256);
      TensorView part = stage.at(matrix.rows(1, 3));
      assertEquals(there.address() + 6 * Float.BYTES, part.address());
      assertEquals(8, part.getFloat(2));
      part.setFloat(2, -8);
      TensorView none = stage.at(matrix.rows(2, 2));
      assertEquals(0, none.elements());
      assertEquals(8, matrix.getFloat(8));
      stage.finish();
    }
    assertEquals(-8, matrix.getFloat(8));
    assertEquals(9, matrix.getFloat(9));
    try (Memory.Stage stage = new Apart().stage()) {
      stage.at(matrix.rows(0, 2));
      assertThrows(IllegalStateException.class, () -> stage.at(matrix.rows(1, 3)));
    }
  }

  @Test
  void anEmulatedDeviceTakesHostMemoryUnderItsName() {
    TensorView matrix = TensorView.allocate(DType.BFLOAT16, 4, 6);
    try (Memory.Stage stage = new HostMemory(0).stage()) {
      TensorView there = stage.at(matrix);
      assertEquals(0, there.device());
      assertEquals(matrix.address(), there.address());
      assertEquals(matrix.toString() + " on cuda:0", there.toString());
    }
    try (Memory.Stage stage = new HostMemory(-1).stage()) {
      assertEquals(matrix, stage.at(matrix));
    }
  }
}
