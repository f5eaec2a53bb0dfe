/**
 * Memory, streams and events of CUDA devices, for users who have no other library for them. The
 * kernels of {@link org.plait} need none of it: they take addresses and streams from anywhere.
 *
 * <pre>{@code
 * Backend cuda = Backend.cuda(0);
 * try (CudaStream stream = CudaStream.create(0);
 *     DeviceMemory memory = DeviceMemory.allocate(0, bytes)) {
 *   TensorView logits = memory.view(DType.BFLOAT16, tokens, vocab);
 *   stream.copy(hostLogits, logits);
 *   PolicyStep.compute(cuda.onStream(stream.handle()), ...);
 *   stream.copy(deviceMetrics, hostMetrics);
 *   stream.synchronize();                                     // now everything is there
 *   metrics.read(hostMetrics);
 * }
 * }</pre>
 *
 * <p>It stands on the runtime API in the JavaCPP Presets for CUDA, which need a driver and CUDA
 * 13's {@code libcudart}: from a toolkit, or from {@code org.bytedeco:cuda-redist}. Where these are
 * missing, {@link org.plait.cuda.CudaRuntime#unavailableReason()} says so and every entry point
 * throws {@link org.plait.PlaitException} with that reason; no error of the class loader escapes.
 *
 * <p>The tests of this package need no device: they test what is refused without one, and, on a
 * runtime that is faked on the host, that calls reach CUDA as they should. That a device then does
 * what they say is tested on one alone, by {@code plait verify --backend cuda:0}.
 */
@NullMarked
package org.plait.cuda;

import org.jspecify.annotations.NullMarked;
