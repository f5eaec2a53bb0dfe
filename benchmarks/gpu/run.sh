#!/usr/bin/env bash
# Builds Plait for this machine's NVIDIA GPU, checks every kernel on it, and times them; offline. README.md beside this
# says what of.
#
#     benchmarks/gpu/run.sh                      # at most eight minutes
#     benchmarks/gpu/run.sh --quick              # two, and what the build takes
#       --native-arch       build for this device's architecture alone
#       --prebuilt DIR      take libplait.so and libplait_cuda.so from DIR instead of building them
#       --out PREFIX        write PREFIX.json and PREFIX.md, not benchmarks/results/<date>-<device>
#       --java [RUNTIME]    verify and time from Java too, by RUNTIME/bin/java or the java on the path
#
# Environment: HIGHWAY_INCLUDE_DIR (where hwy/highway.h is), PYTHON, PLAIT_JAR, PLAIT_COMMIT (where git has no answer).
# Exits with 1 if a check, a sanitizer or a test failed. Logs and parts of the results go to benchmarks/target/gpu.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
root=$PWD
here=$root/benchmarks/gpu
parts=$root/benchmarks/target/gpu

quick=() prebuilt="" native_arch="" out="" java="" with_java=""
usage() {
  sed -n '2,/^set/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" | sed '$d' >&2
  exit 2
}
while [[ $# -gt 0 ]]; do
  case $1 in
    --quick) quick=(--quick) ;;
    --native-arch) native_arch=1 ;;
    --prebuilt) prebuilt=$(realpath "${2:?--prebuilt: expected a directory}") && shift ;;
    --out) out=$(realpath -m "${2:?--out: expected a path without its ending}") && shift ;;
    --java)
      with_java=1 java=java
      if [[ $# -gt 1 && $2 != --* ]]; then
        java=$(realpath "$2")/bin/java && shift
      fi
      ;;
    *) usage ;;
  esac
  shift
done

begun=$SECONDS
failures=() notes=()
step() { printf '[%4d s] %s\n' $((SECONDS - begun)) "$*"; }
note() { notes+=("$1") && step "$1"; }
failed() { failures+=("$1") && step "FAILED: $1"; }
rm -rf "$parts" && mkdir -p "$parts"

python=${PYTHON:-python3}
export PATH=$PATH:/usr/local/cuda/bin
if ! command -v nvidia-smi >/dev/null || ! nvidia-smi >"$parts/nvidia-smi.log" 2>&1; then
  step "No NVIDIA GPU that nvidia-smi can see: nothing to run"
  exit 1
fi
if [[ -z ${PLAIT_COMMIT:-} ]]; then
  PLAIT_COMMIT=$(git rev-parse --short HEAD 2>/dev/null || echo unknown)
  if [[ -n $(git status --porcelain -- . ':!benchmarks/results' 2>/dev/null) ]]; then
    PLAIT_COMMIT+=" with changes"
  fi
fi
date=$(date -u +%F)
device=$(nvidia-smi --query-gpu=name --format=csv,noheader | head -n 1)
slug=$(tr '[:upper:] ' '[:lower:]-' <<<"$device" | tr -cd 'a-z0-9-')
out=${out:-$root/benchmarks/results/$date-$slug${quick:+-quick}}
capability=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader | head -n 1)
step "$device, compute capability $capability"

# ---- Libraries ----

build() {
  local generator=() options=(-DCMAKE_BUILD_TYPE=Release) tests=()
  if command -v ninja >/dev/null; then generator=(-G Ninja); fi
  if [[ -n ${HIGHWAY_INCLUDE_DIR:-} ]]; then options+=("-DHIGHWAY_INCLUDE_DIR=$HIGHWAY_INCLUDE_DIR"); fi
  if [[ -z $with_torch && (-n ${DOCTEST_INCLUDE_DIR:-} || -e /usr/include/doctest/doctest.h) ]]; then
    tests=(-DPLAIT_BUILD_TESTS=ON ${DOCTEST_INCLUDE_DIR:+"-DDOCTEST_INCLUDE_DIR=$DOCTEST_INCLUDE_DIR"})
  fi
  local architectures=()
  if [[ -n $native_arch ]]; then
    architectures=("-DPLAIT_CUDA_ARCHITECTURES=${capability/./}-real")
    note "Built for compute capability $capability alone"
  else
    note "Built for every architecture that a release is built for"
  fi
  # Joined by &&: where a function is a condition, set -e does not act within it.
  cmake -S native -B "$parts/native" "${generator[@]}" "${options[@]}" &&
    cmake --build "$parts/native" --parallel "$(nproc)" &&
    cmake -S cuda -B "$parts/cuda" "${generator[@]}" "${options[@]}" "${architectures[@]}" "${tests[@]}" &&
    cmake --build "$parts/cuda" --parallel "$(nproc)"
}

with_torch=""
if "$python" -c 'import torch, sys; sys.exit(not torch.cuda.is_available())' 2>"$parts/torch.log"; then
  with_torch=1
fi
if [[ -n $prebuilt ]]; then
  libraries=$prebuilt
  note "Libraries as they were built before"
else
  step "Building (log: benchmarks/target/gpu/build.log)"
  build_begun=$SECONDS
  exec 3>&1
  if ! build > >(tee "$parts/build.log" | grep '^\[ *[0-9]* s\]' >&3) 2>&1; then
    tail -n 30 "$parts/build.log"
    step "The build failed"
    exit 1
  fi
  libraries=$parts
  step "Built in $((SECONDS - build_begun)) s"
fi
library() { find -L "$libraries" -name "$1" -not -path '*/CMakeFiles/*' | sort | head -n 1; }
plait=$(library libplait.so)
PLAIT_CUDA_PLUGIN=$(library libplait_cuda.so)
export PLAIT_CUDA_PLUGIN PYTHONDONTWRITEBYTECODE=1
if [[ -z $plait || -z $PLAIT_CUDA_PLUGIN ]]; then
  step "No libplait.so or no libplait_cuda.so in $libraries"
  exit 1
fi

# ---- Checks ----

if [[ -n $with_torch ]]; then
  step "Checking every kernel beside float64"
  timeout 240 "$python" "$here/cases.py" --library "$plait" --out "$parts/cases.json" "${quick[@]}" ||
    failed "checks of the kernels"
else
  note "No PyTorch that sees the GPU: not checked beside it, and not timed"
  test=$(find -L "$libraries" -name plait_device_test -type f | head -n 1)
  if [[ -n $test ]]; then
    step "C++ tests on the device"
    PLAIT_TEST_DEVICE=0 timeout 240 "$test" >"$parts/device_test.log" 2>&1 || failed "C++ tests on the device"
    tail -n 5 "$parts/device_test.log"
  else
    note "The C++ tests of the device were not built: doctest's headers are not here (DOCTEST_INCLUDE_DIR)"
  fi
fi

step "A small sweep, beside the CPU backend and under compute-sanitizer"
seconds=40
if [[ ${#quick[@]} -gt 0 ]]; then seconds=20; fi
timeout 330 "$python" "$here/sanitizers.py" --library "$plait" --out "$parts/sanitizers.json" --seconds "$seconds" ||
  failed "sanitizers"

# ---- Times ----

if [[ -n $with_torch ]]; then
  step "Timing"
  # What is left of the eight minutes; a slow build or sanitizer costs torch.compile's rows first.
  left=$((440 - (SECONDS - begun)))
  timeout 420 "$python" "$here/timing.py" --library "$plait" --out "$parts/timing.json" "${quick[@]}" \
    --seconds "$((left < 60 ? 60 : left))" || failed "timing"
fi

jar=${PLAIT_JAR:-java/plait-lab/target/plait.jar}
if [[ -n $with_java && ! -e $jar ]]; then
  failed "no $jar to run from Java (README.md says how to make it)"
elif [[ -n $with_java ]]; then
  step "From Java: $jar"
  options=(-Dorg.bytedeco.javacpp.maxPhysicalBytes=0)
  # JavaCPP's CUDA brings no runtime library along.
  export LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}/usr/local/cuda/lib64
  {
    echo "plait verify --quick --backend cuda:0"
    timeout 180 "$java" "${options[@]}" -jar "$jar" verify --quick --backend cuda:0 2>&1 || failed "plait verify from Java"
    echo "JavaCalls.java"
    timeout 60 "$java" "${options[@]}" -cp "$jar" "$here/JavaCalls.java" 2>&1 || failed "times from Java"
  } >"$parts/java.log"
  tail -n 12 "$parts/java.log"
fi

for failure in "${failures[@]}"; do notes+=("FAILED: $failure"); done
notes+=("The run took $((SECONDS - begun)) s")
step "Results"
"$python" "$here/report.py" --parts "$parts" --out "$out" --date "$date" --commit "$PLAIT_COMMIT" --library "$plait" \
  "${notes[@]/#/--note=}"
exit $((${#failures[@]} > 0))
