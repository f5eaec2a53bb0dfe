package org.plait.lab.verify;

import org.plait.DType;
import org.plait.TensorView;

/** Views of the same shape elsewhere. */
final class Views {

  private Views() {}

  /** A view like another one of memory at an address. */
  static TensorView at(TensorView like, long address, int device, Object owner) {
    long[] shape =
        like.rank() == 1 ? new long[] {like.size(0)} : new long[] {like.size(0), like.size(1)};
    return TensorView.ofAddress(address, like.dtype(), shape, like.rowStride(), device, owner);
  }

  /** Bytes from the first element of a view to the last, gaps between rows included. */
  static TensorView span(TensorView view) {
    long rows = view.size(0);
    long columns = view.rank() == 1 ? 1 : view.size(1);
    long elements = view.elements() == 0 ? 0 : (rows - 1) * view.rowStride() + columns;
    long[] shape = {elements * view.dtype().bytes()};
    return TensorView.ofAddress(view.address(), DType.UINT8, shape, 1, view.device(), view.owner());
  }
}
