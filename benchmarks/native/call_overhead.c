/*
 * Nanoseconds per call of almost no work from C, as JSON: what CallOverheadBenchmark makes from Java, with the same
 * arguments. The median of many short runs, since anything else that the machine does only adds. An argument names the
 * SIMD target.
 */
#include <plait.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { RUNS = 51, CALLS = 200000, REWARDS = 8 };

static float vector[REWARDS];
static int64_t bad_targets;

static void row_stats(void) {
  static plait_logits logits = {.struct_bytes = sizeof(plait_logits),
                                .data = vector,
                                .vocab = 32000,
                                .row_stride = 32000,
                                .targets = vector,
                                .vocab_total = 32000,
                                .dtype = PLAIT_FLOAT32,
                                .target_dtype = PLAIT_INT64,
                                .temperature = 1};
  if (plait_row_stats(PLAIT_CPU, NULL, &logits, vector, vector, vector, vector, &bad_targets) != PLAIT_OK) abort();
}

static void group_advantage(void) {
  static const float rewards[REWARDS] = {1, 0, 0, 1, 0, 0, 0, 1};
  static const int64_t offsets[2] = {0, REWARDS};
  static const plait_advantage_options grpo = {.struct_bytes = sizeof(plait_advantage_options),
                                               .baseline = PLAIT_BASELINE_GROUP_MEAN,
                                               .scale = PLAIT_SCALE_GROUP_STD,
                                               .singleton = PLAIT_SINGLETON_ZERO,
                                               .sample_std = 1,
                                               .epsilon = 1e-6f};
  static int64_t workspace[64];
  if (plait_group_advantage(PLAIT_CPU, NULL, REWARDS, rewards, NULL, NULL, 1, offsets, NULL, &grpo, vector, NULL, NULL, workspace,
                            sizeof workspace) != PLAIT_OK) {
    abort();
  }
}

static int ascending(const void* a, const void* b) {
  const double x = *(const double*)a, y = *(const double*)b;
  return (x > y) - (x < y);
}

static double nanoseconds(void (*call)(void)) {
  double runs[RUNS];
  for (int i = 0; i < RUNS; ++i) {
    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (int j = 0; j < CALLS; ++j) call();
    clock_gettime(CLOCK_MONOTONIC, &end);
    runs[i] = ((end.tv_sec - begin.tv_sec) * 1e9 + (end.tv_nsec - begin.tv_nsec)) / CALLS;
  }
  qsort(runs, RUNS, sizeof *runs, ascending);
  return runs[RUNS / 2];
}

int main(int argc, char** argv) {
  if (argc > 1 && plait_cpu_select_target(argv[1]) != PLAIT_OK) {
    fprintf(stderr, "%s\n", plait_last_error());
    return 1;
  }
  printf("{\"rowStats\": %.2f, \"groupAdvantage\": %.2f}\n", nanoseconds(row_stats), nanoseconds(group_advantage));
  return 0;
}
