/**
 * Plait for users of the Bytedeco PyTorch presets: views of tensors without a copy, and a training
 * step from the logits of a model to the gradients of its parameters.
 *
 * <pre>{@code
 * TorchStep step = new TorchStep(Backend.cpu(), Objective.sft());      // once
 *
 * Tensor logits = model.forward(tokens);                               // [T, V], requires grad
 * Tensor dLogits = step.step(logits, targets, TokenBatch.builder(T).build(), Normalizers.NONE);
 * TorchPlait.backward(logits, dLogits);                                // fills parameter.grad()
 * optimizer.step();
 * log(step.metrics().loss());
 * }</pre>
 *
 * <p>The logits are read where they are: the peak of memory is one gradient of their size and type,
 * and not even that with {@link org.plait.torch.TorchStep#stepInPlace}.
 *
 * <p>For tensors of a CUDA device the backend is {@code Backend.cuda(n)}, and views of {@link
 * org.plait.TokenBatch} are of tensors there too. It needs the natives of PyTorch with the
 * classifier {@code linux-x86_64-gpu}, Plait's plugin, and, unless PyTorch's current stream is the
 * default one, {@code org.bytedeco:cuda}.
 *
 * <p>JavaCPP counts the memory of the whole process against a limit derived from the heap and
 * collects garbage before every allocation beyond it; a trainer on the CPU should set {@code
 * -Dorg.bytedeco.javacpp.maxPhysicalBytes=0}.
 */
@NullMarked
package org.plait.torch;

import org.jspecify.annotations.NullMarked;
