package org.plait.torch;

import java.util.Map;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorArrayRefOptional;
import org.bytedeco.pytorch.global.torch;
import org.plait.DType;
import org.plait.Logits;
import org.plait.TensorView;

/**
 * Views of PyTorch tensors, and the call that hands a gradient back to autograd. Thread-safe, as
 * far as tensors shared between threads are.
 *
 * <p>Kernels that write through a view do so behind autograd's back: its check for tensors modified
 * in place does not see them.
 */
public final class TorchPlait {
  private static final Map<Byte, DType> DTYPES =
      Map.of(
          torch.ScalarType.Float.value, DType.FLOAT32,
          torch.ScalarType.BFloat16.value, DType.BFLOAT16,
          torch.ScalarType.Half.value, DType.FLOAT16,
          torch.ScalarType.Int.value, DType.INT32,
          torch.ScalarType.Long.value, DType.INT64,
          torch.ScalarType.Byte.value, DType.UINT8);

  private TorchPlait() {}

  /**
   * Views a tensor without copying it. The view keeps the tensor reachable; a kernel that is given
   * it after the tensor was closed, by hand or by a {@code PointerScope}, throws {@link
   * IllegalStateException}.
   *
   * @param tensor float32, bfloat16, float16, int32, int64 or uint8 of one or two dimensions, on
   *     the CPU or a CUDA device, with neighbouring elements in each row; rows may be strided
   * @return a view of the tensor's memory
   * @throws IllegalArgumentException if the tensor is closed, undefined, or not like that
   */
  public static TensorView view(Tensor tensor) {
    return view("tensor", tensor);
  }

  /**
   * Makes logits of temperature 1 from tensors; {@link Logits#builder} with {@link #view} makes
   * others.
   *
   * @param logits float32, bfloat16 or float16 [T, V]; may require grad
   * @param targets int32 or int64 [T], the realised tokens
   * @return immutable logits that read the tensors' memory
   * @throws IllegalArgumentException if a tensor has another type, shape, stride or device
   */
  public static Logits logits(Tensor logits, Tensor targets) {
    return Logits.of(view("logits", logits), view("targets", targets));
  }

  /**
   * Continues the backward pass from the logits: adds the gradients of everything that they were
   * computed from to its {@code grad()}.
   *
   * @param logits a tensor that requires grad
   * @param dLogits the gradient of the loss with respect to the logits, of their type and shape
   * @throws RuntimeException from PyTorch, if the logits have no graph or the gradient does not fit
   */
  public static void backward(Tensor logits, Tensor dLogits) {
    // Freeing the graph is what a null retain_graph means: PyTorch's own default.
    logits.backward(dLogits, new BoolOptional(), false, new TensorArrayRefOptional());
  }

  static TensorView view(String name, Tensor tensor) {
    if (Pointer.isNull(tensor) || !tensor.defined()) {
      throw new IllegalArgumentException(
          name
              + ": expected a tensor, got "
              + (Pointer.isNull(tensor) ? "null or a closed one" : "an undefined one"));
    }
    DType dtype = dtype(name, tensor);
    int device = device(name, tensor);
    if (!tensor.has_storage() || tensor.is_sparse()) {
      throw new IllegalArgumentException(
          name + ": expected a dense tensor, got one of layout " + tensor.layout());
    }
    // dim, size and stride cost nanoseconds; sizes, strides and options allocate.
    int rank = Math.toIntExact(tensor.dim());
    if (rank < 1 || rank > 2) {
      throw new IllegalArgumentException(
          "%s: expected one or two dimensions, got %d; reshape it".formatted(name, rank));
    }
    long[] shape = new long[rank];
    for (int i = 0; i < rank; i++) {
      shape[i] = tensor.size(i);
    }
    long inner = tensor.stride(rank - 1);
    if (shape[rank - 1] > 1 && inner != 1) {
      throw new IllegalArgumentException(
          "%s: expected neighbouring elements, got a stride of %d in the last dimension; call contiguous()"
              .formatted(name, inner));
    }
    long columns = shape[rank - 1];
    // PyTorch gives dimensions of one row any stride.
    long rowStride = rank == 1 || shape[0] <= 1 || columns == 0 ? columns : tensor.stride(0);
    if (rowStride < columns) {
      throw new IllegalArgumentException(
          "%s: expected rows of their own, got a stride of %d for rows of %d; call contiguous()"
              .formatted(name, rowStride, columns));
    }
    Pointer data = tensor.numel() == 0 ? null : tensor.data_ptr();
    return TensorView.ofAddress(
        data == null ? 0 : data.address(), dtype, shape, rowStride, device, tensor);
  }

  private static DType dtype(String name, Tensor tensor) {
    // JavaCPP returns a fresh object with the right value, not one of the constants.
    byte value = tensor.scalar_type().value;
    DType dtype = DTYPES.get(value);
    if (dtype == null) {
      throw new IllegalArgumentException(
          "%s: expected Float, BFloat16, Half, Int, Long or Byte, got %s"
              .formatted(name, tensor.scalar_type()));
    }
    return dtype;
  }

  private static int device(String name, Tensor tensor) {
    if (tensor.is_cpu()) {
      return -1;
    }
    try (Device device = tensor.device()) {
      if (device.is_cuda()) {
        return device.index();
      }
      throw new IllegalArgumentException(
          "%s: expected a tensor on the CPU or a CUDA device, got one on %s"
              .formatted(name, device.str().getString()));
    }
  }
}
