/**
 * Training recipes around the kernels: what feeds them and what steers them, in pure Java.
 *
 * <p>A recipe decides which tokens reach {@link org.plait} and in which role; the kernels and the
 * objective stay the same.
 *
 * <ul>
 *   <li>ReLIFT: {@link org.plait.recipe.HardQuestionBuffer}, {@link org.plait.recipe.Relift}.
 *   <li>LUFFY, SRFT: {@link org.plait.recipe.ResponseGroup#mixed}, {@link
 *       org.plait.recipe.PackedGroups}, {@link org.plait.recipe.BinaryReward}.
 *   <li>UFT: {@link org.plait.recipe.HintSchedule}, {@link org.plait.recipe.Segments}.
 *   <li>BREAD: {@link org.plait.recipe.AnchorSearch}, {@link org.plait.recipe.AnchorSearches}.
 *   <li>Prefix-RFT: {@link org.plait.recipe.PrefixSchedule}, {@link org.plait.recipe.Curve}, {@link
 *       org.plait.recipe.EntropySelection}.
 *   <li>DAPO: {@link org.plait.recipe.DynamicSampling}, {@link org.plait.recipe.OverlongPenalty}.
 * </ul>
 *
 * <h2>A batch of LUFFY's</h2>
 *
 * <p>Two prompts, each with two rollouts and a demonstration; tokens are {@code int[]}s of the
 * response alone:
 *
 * <pre>{@code
 * BinaryReward reward = BinaryReward.ONE_ZERO;
 * List<ResponseGroup<int[]>> groups = new ArrayList<>();
 * for (int prompt = 0; prompt < 2; prompt++) {
 *   List<Response<int[]>> rollouts = new ArrayList<>();
 *   for (int[] answer : sampler.sample(prompt, 2)) {
 *     rollouts.add(Response.rollout(answer, reward.of(verifier.accepts(prompt, answer))));
 *   }
 *   groups.add(ResponseGroup.mixed(3, rollouts, Response.demonstration(expert[prompt], 1)));
 * }
 * PackedGroups<int[]> packed = PackedGroups.of(groups);
 *
 * TensorView advantages =
 *     GroupAdvantage.drGrpo()
 *         .of(
 *             TensorView.copyOf(packed.rewards()),
 *             Groups.ids(TensorView.copyOf(packed.groups()), packed.groupCount()));
 * TokenBatch batch =
 *     TokenBatch.builder(packed.tokens())
 *         .offsets(TensorView.copyOf(packed.offsets()))
 *         .roles(TensorView.copyOf(packed.roles()))
 *         .sequenceAdvantages(advantages)
 *         .build();
 * }</pre>
 *
 * <h2>Stopping and resuming</h2>
 *
 * <p>What changes as training goes on has a {@code state()}, a record of plain values that any
 * serialiser can write, and a {@code restore}; afterwards it does what it would have done.
 * Everything else is a function of its arguments, the training step among them. Randomness comes
 * from a generator that the caller passes in, or from a seed: {@link org.plait.recipe.SplitMix64}
 * has a state of one {@code long}.
 *
 * <h2>Conventions</h2>
 *
 * <ul>
 *   <li>A step is the number of steps taken before, so the first one is 0.
 *   <li>A NaN reward marks a response that could not be scored; it is neither a success nor a
 *       failure.
 *   <li>An argument that does not fit throws {@link java.lang.IllegalArgumentException}, a call at
 *       the wrong time {@link java.lang.IllegalStateException}; the message names the argument,
 *       what was expected and what came.
 * </ul>
 */
@NullMarked
package org.plait.recipe;

import org.jspecify.annotations.NullMarked;
