/**
 * Fused kernels for language-model post-training: supervised fine-tuning and reinforcement learning
 * in one training step.
 *
 * <p>Every objective of the field reaches the logits of a model through two numbers per token: the
 * derivative of the loss with respect to the log-probability of the realised token, and with
 * respect to the entropy of that position. So one step has three stages, {@link
 * org.plait.RowStats}, {@link org.plait.TokenObjective} and {@link org.plait.LogitsGrad}, and
 * {@link org.plait.PolicyStep} does all three with one read and one write of the logits, or two
 * reads where a token's gradient depends on its sequence or batch. An {@link org.plait.Objective}
 * is data: a rule for each role that a token can have. {@link org.plait.GroupAdvantage}, {@link
 * org.plait.TokenAdvantage} and {@link org.plait.Whitening} turn rewards into its advantages.
 *
 * <h2>A training step</h2>
 *
 * <p>Four tokens in two sequences over a vocabulary of three, with the gradient replacing the
 * logits:
 *
 * <pre>{@code
 * Backend backend = Backend.cpu();
 * TensorView rewards = TensorView.copyOf(1f, 0f);
 * TensorView advantages =
 *     GroupAdvantage.grpo().of(rewards, Groups.offsets(TensorView.copyOf(0L, 2L)));
 *
 * TensorView data = TensorView.allocate(DType.FLOAT32, 4, 3);       // the model's output goes here
 * Logits logits = Logits.of(data, TensorView.copyOf(2L, 0L, 1L, 1L));
 * TokenBatch batch =
 *     TokenBatch.builder(4)
 *         .offsets(TensorView.copyOf(0L, 2L, 4L))
 *         .sequenceAdvantages(advantages)
 *         .build();
 *
 * PolicyStep.Output out = PolicyStep.Output.inPlace(logits);
 * Metrics metrics = new Metrics();
 * TensorView workspace =
 *     TensorView.allocate(DType.UINT8, PolicyStep.workspaceBytes(4, batch.sequences()));
 *
 * PolicyStep.compute(
 *     backend, logits, batch, Objective.grpo(), Normalizers.NONE, out, metrics, workspace);
 * // data now holds dLoss/dLogits; metrics.loss() is the loss
 * }</pre>
 *
 * <h2>Conventions</h2>
 *
 * <ul>
 *   <li>Arrays are {@link org.plait.TensorView}s of memory that the caller owns: direct buffers,
 *       JavaCPP pointers, or tensors of an engine. Log-probabilities, entropies and KL are in nats.
 *   <li>A kernel call allocates nothing, on the Java heap or off it. Outputs and workspace come
 *       from the caller; what allocates says so.
 *   <li>Outputs overlap nothing else, except where "in place" is said.
 *   <li>A refused call has written nothing and throws {@link java.lang.IllegalArgumentException},
 *       whose message names the argument, what was expected and what came. A backend that cannot be
 *       used throws {@link org.plait.PlaitException}.
 *   <li>A row's result depends on that row alone: not on the batch around it, the number of threads
 *       or the run.
 *   <li>Indices have 64 bits, and batches of no tokens work.
 * </ul>
 */
@NullMarked
package org.plait;

import org.jspecify.annotations.NullMarked;
