package org.plait.torch;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.plait.torch.Tensors.gaussian;
import static org.plait.torch.Tensors.scalar;

import java.util.Map;
import java.util.Objects;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.AbstractTensor;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.plait.Backend;
import org.plait.DType;
import org.plait.Logits;
import org.plait.RowStats;
import org.plait.TensorView;

class TorchViewTest {
  private static final Map<torch.ScalarType, DType> TYPES =
      Map.of(
          torch.ScalarType.Float, DType.FLOAT32,
          torch.ScalarType.BFloat16, DType.BFLOAT16,
          torch.ScalarType.Half, DType.FLOAT16,
          torch.ScalarType.Int, DType.INT32,
          torch.ScalarType.Long, DType.INT64,
          torch.ScalarType.Byte, DType.UINT8);

  @Test
  void aViewSharesTheMemoryOfTheTensorBothWays() {
    Tensor tensor = AbstractTensor.create(new float[] {1, 2, 3, 4, 5, 6}, 2, 3);
    TensorView view = TorchPlait.view(tensor);
    assertEquals(tensor.data_ptr().address(), view.address());
    assertSame(tensor, view.owner());
    assertEquals("FLOAT32 [2, 3]", view.toString());
    assertArrayEquals(new float[] {1, 2, 3, 4, 5, 6}, view.toFloats());
    view.setFloat(4, 50);
    tensor.narrow(0, 0, 1).fill_(scalar(-1));
    assertArrayEquals(new float[] {-1, -1, -1, 4, 50, 6}, Tensors.floats(tensor));
    assertArrayEquals(new float[] {-1, -1, -1, 4, 50, 6}, view.toFloats());
  }

  @Test
  void everyTypeIsThatOfPlaitOrRefused() {
    Tensor one = AbstractTensor.create(new float[] {1, 0, 2});
    for (torch.ScalarType type :
        new torch.ScalarType[] {
          torch.ScalarType.Float,
          torch.ScalarType.BFloat16,
          torch.ScalarType.Half,
          torch.ScalarType.Double,
          torch.ScalarType.Byte,
          torch.ScalarType.Char,
          torch.ScalarType.Short,
          torch.ScalarType.Int,
          torch.ScalarType.Long,
          torch.ScalarType.Bool,
          torch.ScalarType.ComplexFloat
        }) {
      Tensor tensor = one.to(type);
      DType expected = TYPES.get(type);
      if (expected == null) {
        refused("tensor: expected Float, BFloat16, Half, Int, Long or Byte, got " + type, tensor);
        continue;
      }
      TensorView view = TorchPlait.view(tensor);
      assertEquals(expected, view.dtype());
      assertEquals(2, expected.isFloating() ? view.getFloat(2) : view.getLong(2));
    }
  }

  @Test
  void stridedRowsAreViewedAndOtherStridesRefused() {
    Tensor whole = gaussian(1, 1, 4, 6);
    TensorView columns = TorchPlait.view(whole.narrow(1, 2, 3));
    assertEquals(6, columns.rowStride());
    assertEquals(whole.data_ptr().address() + 8, columns.address());
    assertEquals(Tensors.floats(whole)[6 + 2], columns.getFloat(3));
    refused("tensor: expected neighbouring elements, got a stride of 6 in the last", whole.t());
    refused("tensor: expected neighbouring elements", whole.select(1, 0));
    refused(
        "tensor: expected rows of their own, got a stride of 0 for rows of 6",
        whole.narrow(0, 0, 1).expand(4, 6));
    refused("tensor: expected one or two dimensions, got 3", gaussian(1, 1, 2, 3, 4));
    refused("tensor: expected one or two dimensions, got 0", gaussian(1, 1, 1).squeeze());
    // A stride that no element is reached by does not matter.
    assertEquals(1, TorchPlait.view(whole.narrow(1, 3, 1).narrow(0, 2, 1)).elements());
    assertEquals(6, TorchPlait.view(whole.narrow(0, 0, 1).expand(1, 6)).elements());
  }

  @Test
  void aTensorWithoutElementsHasAView() {
    assertEquals(0, TorchPlait.view(torch.empty(0, 7)).elements());
    assertEquals("FLOAT32 [0, 7]", TorchPlait.view(torch.empty(0, 7)).toString());
    assertEquals(0, TorchPlait.view(torch.empty(0)).size(0));
  }

  @Test
  void whatIsNoTensorInMemoryIsRefused() {
    refused("tensor: expected a tensor, got an undefined one", new Tensor());
    Tensor closed = gaussian(1, 1, 2);
    closed.close();
    closed.close();
    refused("tensor: expected a tensor, got null or a closed one", closed);
    refused("tensor: expected a dense tensor", gaussian(1, 1, 2, 2).to_sparse());
    try (TensorOptions meta = new TensorOptions(new Device("meta"))) {
      refused(
          "tensor: expected a tensor on the CPU or a CUDA device, got one on meta",
          torch.empty(new long[] {2, 2}, meta, null));
    }
  }

  @Test
  void aTensorClosedByItsScopeIsNoticedByTheKernel() {
    TensorView view;
    Logits logits;
    try (PointerScope scope = new PointerScope()) {
      Tensor tensor = gaussian(1, 1, 2, 3);
      view = TorchPlait.view(tensor);
      logits = TorchPlait.logits(tensor, AbstractTensor.create(new long[] {0, 2}));
      assertNotEquals(0, view.address());
      scope.attach(tensor);
    }
    assertThrows(IllegalStateException.class, view::address);
    RowStats.Output out = RowStats.Output.allocate(2);
    assertThrows(IllegalStateException.class, () -> RowStats.compute(Backend.cpu(), logits, out));
  }

  @Test
  void aViewKeepsATensorThatNobodyElseHolds() throws InterruptedException {
    TensorView[] views = new TensorView[200];
    for (int i = 0; i < views.length; i++) {
      views[i] = TorchPlait.view(torch.full(new long[] {4096}, scalar(i)));
    }
    for (int round = 0; round < 3; round++) {
      System.gc();
      Thread.sleep(50);
      gaussian(round, 1, 4096);
    }
    for (int i = 0; i < views.length; i++) {
      assertEquals(i, views[i].getFloat(4095));
    }
  }

  private static void refused(String start, Tensor tensor) {
    String message =
        Objects.requireNonNull(
            assertThrows(IllegalArgumentException.class, () -> TorchPlait.view(tensor))
                .getMessage());
    assertTrue(message.startsWith(start), message);
  }
}
