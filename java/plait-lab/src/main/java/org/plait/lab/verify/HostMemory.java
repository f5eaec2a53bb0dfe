package org.plait.lab.verify;

import org.plait.TensorView;

/**
 * Memory of the host: for the CPU as it is, and for an emulated device under the device's name.
 *
 * @param device -1, or the ordinal of an emulated device
 */
record HostMemory(int device) implements Memory {

  @Override
  public long stream() {
    return 0;
  }

  @Override
  public Stage stage() {
    return new Stage() {
      @Override
      public TensorView at(TensorView view) {
        return device == view.device()
            ? view
            : Views.at(view, view.address(), device, view.owner());
      }

      @Override
      public void finish() {
        // Nothing was moved, and an emulated device is done when a call returns.
      }

      @Override
      public void close() {
        // Nothing was taken.
      }
    };
  }
}
