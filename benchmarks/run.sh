#!/usr/bin/env bash
# Installs and builds what is missing, measures every kernel beside PyTorch and the machine's own bandwidth, and prints
# the table. The machine should do nothing else meanwhile.
#
#     benchmarks/run.sh                      # half an hour on two cores
#     benchmarks/run.sh --quick              # 10 minutes: one vocabulary, fewer samples
#     benchmarks/run.sh --target AVX2        # another SIMD target than the best one; goes with the others
#     benchmarks/run.sh --only scaling       # one part: calls, kernels or scaling
#     benchmarks/run.sh --charts FILE.json   # measures nothing: draws the charts of results anew
#
# Writes benchmarks/results/<date>-cpu.json, .md and charts as .png. What JMH prints goes to benchmarks/target/jmh.log.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
  sed -n '5,9s/^# *//p' benchmarks/run.sh >&2
  exit 2
}

name=$(date -u +%F)-cpu
options=("$@")
charts=
while [[ $# -gt 0 ]]; do
  case $1 in
    --quick) name+=-quick ;;
    --target | --only | --charts)
      [[ $# -ge 2 ]] || usage
      if [[ $1 == --charts ]]; then charts=$2; else name+=-${2,,}; fi
      shift
      ;;
    *) usage ;;
  esac
  shift
done

source .ci/packages.sh
install_packages "${build_packages[@]}"
mvn -B -q -ntp package -Dmaven.test.skip -pl benchmarks -am

run() {
  java --enable-native-access=ALL-UNNAMED -cp benchmarks/target/benchmarks.jar "$@"
}

if [[ -n $charts ]]; then
  run org.plait.benchmarks.Charts "$charts"
  exit
fi

prefix=$PWD/native/target/prefix
call_overhead=$PWD/benchmarks/target/call_overhead
gcc -std=gnu11 -O2 -Wall -Wextra -I "$prefix/include" benchmarks/native/call_overhead.c -o "$call_overhead" \
  -L "$prefix/lib" -lplait -Wl,-rpath,"$prefix/lib"

commit=$(git rev-parse --short HEAD 2>/dev/null || echo unknown)
if [[ -n $(git status --porcelain -- . ':!benchmarks/results' 2>/dev/null) ]]; then
  commit+=" with changes"
fi
mkdir -p benchmarks/results
run org.plait.benchmarks.Suite \
  "benchmarks/results/$name" benchmarks/target/jmh.log "$call_overhead" "$commit" "${options[@]}"
