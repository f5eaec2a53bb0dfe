package org.plait.torch;

import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.DeviceOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;
import org.plait.Metrics;
import org.plait.TensorView;

/**
 * What a step keeps where it runs: outputs with an element per token, workspace and metrics. All of
 * it is tensors, so that on a CUDA device it comes from PyTorch's allocator. Confined to one thread
 * at a time.
 */
final class StepMemory implements AutoCloseable {
  private final int device;
  private final Metrics metrics;
  private final @Nullable Tensor deviceMetrics;
  private @Nullable Vectors vectors;
  private @Nullable Tensor workspace;

  /**
   * Takes no memory on the CPU, and that of metrics on a device.
   *
   * @param device -1, or the ordinal of a device
   */
  StepMemory(int device) {
    this.device = device;
    if (device < 0) {
      deviceMetrics = null;
      metrics = new Metrics();
    } else {
      TorchStream.requireCuda();
      deviceMetrics = allocate(ScalarType.Byte, Metrics.BYTES, device);
      metrics = Metrics.at(TorchPlait.view("metrics", deviceMetrics));
    }
  }

  /** What calls are given. */
  Metrics metrics() {
    return metrics;
  }

  /** Copies what a call wrote to a device, once its stream has been synchronised. */
  void readMetrics() {
    Tensor from = deviceMetrics;
    if (from != null) {
      try (Tensor copy = from.cpu()) {
        metrics.read(TorchPlait.view("metrics", copy));
      }
    }
  }

  /** Outputs for so many tokens: those of the last call, if there were as many. */
  Vectors vectors(long tokens) {
    Vectors current = vectors;
    if (current == null || current.tokens != tokens) {
      closeVectors();
      current = new Vectors(tokens, device);
      vectors = current;
    }
    return current;
  }

  /** Outputs of the last call, or null. */
  @Nullable Vectors last() {
    return vectors;
  }

  /** Memory of at least so many bytes. */
  TensorView workspace(long bytes) {
    Tensor current = workspace;
    if (current == null || current.numel() < bytes) {
      closeWorkspace();
      current = allocate(ScalarType.Byte, bytes, device);
      workspace = current;
    }
    return TorchPlait.view("workspace", current);
  }

  @Override
  public void close() {
    closeVectors();
    closeWorkspace();
    if (deviceMetrics != null) {
      deviceMetrics.close();
    }
  }

  private void closeVectors() {
    Vectors current = vectors;
    vectors = null;
    if (current != null) {
      current.logProbs.close();
      current.entropy.close();
    }
  }

  private void closeWorkspace() {
    Tensor current = workspace;
    workspace = null;
    if (current != null) {
      current.close();
    }
  }

  /** A vector that an enclosing PointerScope does not free. */
  static Tensor allocate(ScalarType type, long elements, int device) {
    try (TensorOptions options = new TensorOptions(type);
        Device at = new Device(device < 0 ? "cpu" : "cuda:" + device);
        DeviceOptional optional = new DeviceOptional(at);
        TensorOptions there = options.device(optional)) {
      Tensor tensor = torch.empty(new long[] {elements}, there, null);
      return tensor.<Tensor>retainReference();
    }
  }

  /** Outputs with an element per token. */
  static final class Vectors {
    final long tokens;
    final Tensor logProbs;
    final Tensor entropy;
    final TensorView logProbsView;
    final TensorView entropyView;

    private Vectors(long tokens, int device) {
      this.tokens = tokens;
      this.logProbs = allocate(ScalarType.Float, tokens, device);
      this.entropy = allocate(ScalarType.Float, tokens, device);
      this.logProbsView = TorchPlait.view("logProbs", logProbs);
      this.entropyView = TorchPlait.view("entropy", entropy);
    }
  }
}
