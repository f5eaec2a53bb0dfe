package org.plait.internal;

import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.annotation.Cast;
import org.bytedeco.javacpp.annotation.NoException;
import org.bytedeco.javacpp.annotation.Platform;
import org.jspecify.annotations.Nullable;

/**
 * {@code plait.h}, one declaration per exported function, under its C name and in its order.
 *
 * <p>Addresses travel as {@code long}: a call then costs a few nanoseconds, where each JavaCPP
 * {@code Pointer} or direct buffer in its place would add three to ten times that. The callers keep
 * what an address belongs to reachable until the call has returned. {@code NoException} leaves out
 * the C++ try block, because the C functions never throw. Thread-safe.
 */
@Platform(cinclude = "plait.h", link = "plait", preload = "gomp@.1", library = "jniplait")
@NoException
@SuppressWarnings("MemberName") // the names are those of plait.h
public final class Natives {
  static {
    Loader.load();
  }

  private Natives() {}

  public static native int plait_abi_version();

  public static native String plait_version();

  public static native String plait_last_error();

  public static native int plait_backend_available(int device);

  public static native int plait_cuda_load(String path);

  public static native String plait_cpu_target();

  public static native int plait_cpu_select_target(@Nullable String name);

  public static native int plait_cpu_threads();

  public static native int plait_row_stats(
      int device,
      @Cast("void*") long stream,
      @Cast("const plait_logits*") long logits,
      @Cast("float*") long logp,
      @Cast("float*") long entropy,
      @Cast("float*") long logsumexp,
      @Cast("float*") long state,
      @Cast("int64_t*") long badTargets);

  public static native int plait_row_stats_merge(
      int device,
      @Cast("void*") long stream,
      @Cast("const float*") long states,
      @Cast("int64_t") long parts,
      @Cast("int64_t") long tokens,
      @Cast("const float*") long temperatures,
      float temperature,
      @Cast("float*") long logp,
      @Cast("float*") long entropy,
      @Cast("float*") long logsumexp,
      @Cast("float*") long state);

  public static native int plait_logits_grad(
      int device,
      @Cast("void*") long stream,
      @Cast("const plait_logits*") long logits,
      @Cast("const float*") long state,
      @Cast("const float*") long c,
      @Cast("const float*") long h,
      @Cast("void*") long dlogits,
      @Cast("int64_t") long dlogitsStride,
      @Cast("int64_t*") long badTargets);

  public static native @Nullable String plait_objective_second_pass(
      @Cast("const plait_objective*") long objective);

  @Cast("int64_t")
  public static native long plait_objective_workspace_bytes(
      @Cast("int64_t") long tokens, @Cast("int64_t") long sequences);

  public static native int plait_token_objective(
      int device,
      @Cast("void*") long stream,
      @Cast("const plait_token_batch*") long batch,
      @Cast("const plait_objective*") long objective,
      @Cast("const plait_normalizers*") long normalizers,
      @Cast("const float*") long logp,
      @Cast("const float*") long entropy,
      @Cast("float*") long c,
      @Cast("float*") long h,
      @Cast("float*") long tokenLoss,
      @Cast("plait_metrics*") long metrics,
      @Cast("void*") long workspace,
      @Cast("int64_t") long workspaceBytes);

  public static native int plait_policy_step(
      int device,
      @Cast("void*") long stream,
      @Cast("const plait_logits*") long logits,
      @Cast("const plait_token_batch*") long batch,
      @Cast("const plait_objective*") long objective,
      @Cast("const plait_normalizers*") long normalizers,
      @Cast("void*") long dlogits,
      @Cast("int64_t") long dlogitsStride,
      @Cast("float*") long logp,
      @Cast("float*") long entropy,
      @Cast("float*") long tokenLoss,
      @Cast("plait_metrics*") long metrics,
      @Cast("void*") long workspace,
      @Cast("int64_t") long workspaceBytes);

  @Cast("int64_t")
  public static native long plait_group_advantage_workspace_bytes(@Cast("int64_t") long groups);

  public static native int plait_group_advantage(
      int device,
      @Cast("void*") long stream,
      @Cast("int64_t") long n,
      @Cast("const float*") long rewards,
      @Cast("const uint8_t*") long roles,
      @Cast("const float*") long weights,
      @Cast("int64_t") long groups,
      @Cast("const int64_t*") long offsets,
      @Cast("const int64_t*") long ids,
      @Cast("const plait_advantage_options*") long options,
      @Cast("float*") long advantages,
      @Cast("float*") long groupMean,
      @Cast("float*") long groupStd,
      @Cast("void*") long workspace,
      @Cast("int64_t") long workspaceBytes);

  public static native int plait_token_advantage(
      int device,
      @Cast("void*") long stream,
      @Cast("int64_t") long tokens,
      @Cast("int64_t") long sequences,
      @Cast("const int64_t*") long offsets,
      @Cast("const uint8_t*") long roles,
      @Cast("const float*") long rewards,
      @Cast("const float*") long values,
      float gamma,
      float lambda,
      int restart,
      @Cast("float*") long advantages,
      @Cast("float*") long returns);

  public static native int plait_whiten(
      int device,
      @Cast("void*") long stream,
      @Cast("int64_t") long tokens,
      @Cast("const uint8_t*") long roles,
      @Cast("const float*") long x,
      int sample,
      int shift,
      float floor,
      float epsilon,
      @Cast("float*") long out);

  public static native int plait_importance_ratio(
      int device,
      @Cast("void*") long stream,
      @Cast("int64_t") long tokens,
      @Cast("int64_t") long sequences,
      @Cast("const int64_t*") long offsets,
      @Cast("const uint8_t*") long roles,
      @Cast("const float*") long logp,
      @Cast("const float*") long oldLogp,
      int level,
      float clipLow,
      float clipHigh,
      float logRatioLimit,
      @Cast("float*") long ratio,
      @Cast("float*") long sequenceRatio,
      @Cast("uint8_t*") long flags);

  public static native int plait_bandwidth_read(
      @Cast("const void*") long data, @Cast("int64_t") long bytes, @Cast("double*") long sum);

  public static native int plait_bandwidth_scale(
      @Cast("float*") long data, @Cast("int64_t") long bytes, float factor);
}
