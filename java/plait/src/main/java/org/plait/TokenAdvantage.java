package org.plait;

import java.lang.ref.Reference;
import org.jspecify.annotations.Nullable;
import org.plait.internal.NativeLibrary;
import org.plait.internal.Natives;

/**
 * Rewards of tokens to advantages of tokens: generalised advantage estimation (Schulman et al.
 * 2016, arXiv:1506.02438). From the last token of a sequence to the first,
 *
 * <pre>{@code
 * delta_t = reward_t + gamma V_{t+1} - V_t    A_t = delta_t + gamma lambda A_{t+1}    return_t = A_t + V_t
 * }</pre>
 *
 * with V and A of 0 beyond the end. Without values the advantage is the discounted return-to-go.
 * Ignored tokens get 0 and are stepped over. With gamma 1 and no values a reward at the last token
 * becomes the advantage of every token: that is how an advantage of the response is spread over it.
 *
 * <p>Sums run in float64. Deterministic. Immutable and thread-safe.
 *
 * @param gamma discount of later tokens, in [0, 1]
 * @param lambda between one-step errors (0) and whole returns (1), in [0, 1]
 * @param restart whether an ignored token ends what follows it, so that sums start anew before it
 */
public record TokenAdvantage(float gamma, float lambda, boolean restart) {
  /**
   * Checks the arguments.
   *
   * @throws IllegalArgumentException if a number is not in [0, 1]
   */
  public TokenAdvantage {
    Checks.fraction("gamma", gamma);
    Checks.fraction("lambda", lambda);
  }

  /**
   * Generalised advantage estimation for PPO with a critic, as in verl.
   *
   * @param gamma discount of later tokens, in [0, 1]
   * @param lambda between one-step errors and whole returns, in [0, 1]
   * @return the options
   */
  public static TokenAdvantage gae(float gamma, float lambda) {
    return new TokenAdvantage(gamma, lambda, false);
  }

  /**
   * Returns-to-go of REINFORCE++ (arXiv:2501.03262): {@code A_t = reward_t + gamma A_{t+1}}, anew
   * after an ignored token as in verl.
   *
   * @param gamma discount of later tokens, in [0, 1]
   * @return the options
   */
  public static TokenAdvantage returnsToGo(float gamma) {
    return new TokenAdvantage(gamma, 1, true);
  }

  /**
   * Where results go. Outputs overlap nothing else; ignored tokens get 0. Immutable and
   * thread-safe.
   *
   * @param advantages FLOAT32 [T]
   * @param returns FLOAT32 [T], what a critic learns, or null
   */
  public record Output(TensorView advantages, @Nullable TensorView returns) {}

  /**
   * Computes the advantage of every token.
   *
   * @param backend where the views are and the kernel runs
   * @param batch sequences and roles; the rest is not used
   * @param rewards FLOAT32 [T]; those of ignored tokens are not read
   * @param values FLOAT32 [T], the critic's V of each token, or null
   * @param out where to write
   * @throws IllegalArgumentException if an argument does not fit; nothing has been written then
   * @throws PlaitException if the backend is not available
   */
  public void compute(
      Backend backend,
      TokenBatch batch,
      TensorView rewards,
      @Nullable TensorView values,
      Output out) {
    int device = Backend.require(backend);
    Checks.present("batch", batch);
    Checks.present("out", out);
    batch.checkDevice(device);
    long tokens = batch.tokens();
    Checks.vector("rewards", rewards, DType.FLOAT32, tokens, device);
    Checks.optional("values", values, DType.FLOAT32, tokens, device);
    Checks.output("advantages", out.advantages, DType.FLOAT32, tokens, device);
    Checks.optionalOutput("returns", out.returns, DType.FLOAT32, tokens, device);
    try {
      NativeLibrary.check(
          Natives.plait_token_advantage(
              device,
              backend.stream(),
              tokens,
              batch.sequences(),
              Checks.address("offsets", batch.offsets()),
              Checks.address("roles", batch.roles()),
              rewards.address("rewards"),
              Checks.address("values", values),
              gamma,
              lambda,
              restart ? 1 : 0,
              out.advantages.address("advantages"),
              Checks.address("returns", out.returns)));
    } finally {
      Reference.reachabilityFence(batch);
      Reference.reachabilityFence(rewards);
      Reference.reachabilityFence(values);
      Reference.reachabilityFence(out);
    }
  }
}
