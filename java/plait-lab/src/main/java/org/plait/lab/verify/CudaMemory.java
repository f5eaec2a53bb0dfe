package org.plait.lab.verify;

import java.util.ArrayList;
import java.util.List;
import org.plait.DType;
import org.plait.PlaitException;
import org.plait.TensorView;
import org.plait.cuda.CudaStream;
import org.plait.cuda.DeviceMemory;

/**
 * Memory of a CUDA device, with a stream of its own. The only class here that needs {@code
 * org.plait.cuda}, which is optional.
 */
final class CudaMemory implements Memory {

  private final int device;
  private final CudaStream stream;

  private CudaMemory(int device, CudaStream stream) {
    this.device = device;
    this.stream = stream;
  }

  /** The memory of a device; its stream lives as long as the process. */
  static Memory of(int device) {
    try {
      return new CudaMemory(device, CudaStream.create(device));
    } catch (PlaitException e) {
      throw new IllegalArgumentException(
          "memory of cuda:" + device + " cannot be had: " + e.getMessage(), e);
    }
  }

  @Override
  public long stream() {
    return stream.handle();
  }

  @Override
  public Stage stage() {
    return new CudaStage();
  }

  private final class CudaStage extends CopyStage {
    private final List<DeviceMemory> blocks = new ArrayList<>();

    CudaStage() {
      super(device);
    }

    @Override
    TensorView allocate(long bytes) {
      DeviceMemory block = DeviceMemory.allocate(device, bytes);
      blocks.add(block);
      return block.view(DType.UINT8, bytes);
    }

    @Override
    void copy(TensorView from, TensorView to) {
      stream.copy(from, to);
    }

    @Override
    void await() {
      stream.synchronize();
    }

    @Override
    public void close() {
      for (DeviceMemory block : blocks) {
        block.close();
      }
    }
  }
}
