#!/usr/bin/env bash
# Installs and builds what is missing, measures every kernel beside PyTorch and the machine's own bandwidth, and prints
# the table. The machine should do nothing else meanwhile.
#
#     benchmarks/run.sh            # half an hour on two cores
#     benchmarks/run.sh --quick    # 8 minutes: one vocabulary, fewer samples
#
# Writes benchmarks/results/<date>-cpu.json and .md. What JMH prints goes to benchmarks/target/jmh.log.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

name=$(date -u +%F)-cpu
case "$*" in
  "") ;;
  --quick) name+=-quick ;;
  *)
    echo "usage: benchmarks/run.sh [--quick]" >&2
    exit 2
    ;;
esac

source .ci/packages.sh
install_packages "${build_packages[@]}"
mvn -B -q -ntp package -Dmaven.test.skip -pl benchmarks -am

prefix=$PWD/native/target/prefix
call_overhead=$PWD/benchmarks/target/call_overhead
gcc -std=gnu11 -O2 -Wall -Wextra -I "$prefix/include" benchmarks/native/call_overhead.c -o "$call_overhead" \
  -L "$prefix/lib" -lplait -Wl,-rpath,"$prefix/lib"

commit=$(git rev-parse --short HEAD 2>/dev/null || echo unknown)
if [[ -n $(git status --porcelain -- . ':!benchmarks/results' 2>/dev/null) ]]; then
  commit+=" with changes"
fi
mkdir -p benchmarks/results
java --enable-native-access=ALL-UNNAMED -cp benchmarks/target/benchmarks.jar org.plait.benchmarks.Suite \
  "benchmarks/results/$name" benchmarks/target/jmh.log "$call_overhead" "$commit" "$@"
