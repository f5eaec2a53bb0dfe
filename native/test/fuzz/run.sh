#!/usr/bin/env bash
# Builds the fuzzers and runs them, two at a time, from the corpus: run.sh [seconds per target, 60] [target ...]
# New inputs stay in native/target/fuzz/run. Fails with the input that stopped a target, and how to replay it.
# PLAIT_FUZZ_SEED: where the search begins; anywhere else each time if it is not set.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
source .ci/packages.sh
install_packages "${build_packages[@]}" clang-14 libclang-rt-14-dev

export seconds=${1:-60} seed=${PLAIT_FUZZ_SEED:-0} corpus=native/test/fuzz/corpus build=native/target/fuzz
targets=("${@:2}")
if [[ ${#targets[@]} -eq 0 ]]; then
  for source in native/test/fuzz/*_fuzz.cpp; do
    targets+=("$(basename "$source" _fuzz.cpp)")
  done
fi

cmake -S native -B "$build" -G Ninja -DCMAKE_C_COMPILER=clang-14 -DCMAKE_CXX_COMPILER=clang++-14 -DPLAIT_BUILD_FUZZERS=ON
cmake --build "$build"

fuzz() {
  local target=$1 run=$build/run/$1
  local program=$build/test/fuzz/${target}_fuzz
  rm -rf "$run"
  mkdir -p "$run/inputs" "$corpus/$target"
  if "$program" -seed="$seed" -max_total_time="$seconds" -max_len=1024 -timeout=300 -rss_limit_mb=2048 \
    -print_final_stats=1 -artifact_prefix="$run/" "$run/inputs" "$corpus/$target" >"$run/log" 2>&1; then
    echo "$target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$run/log") executions," \
      "$(grep -o 'cov: [0-9]* ft: [0-9]*' "$run/log" | tail -1)"
    return 0
  fi
  grep -v -E '^#[0-9]+\s+(NEW|REDUCE|pulse)' "$run/log" | tail -60
  local input
  input=$(find "$run" -maxdepth 1 -name '*-*' | head -1)
  echo "$target stopped at the input $input; replay it by"
  echo "    $program $input"
  return 1
}
export -f fuzz
printf '%s\n' "${targets[@]}" | xargs -P 2 -I{} bash -c 'fuzz {}'
