#!/usr/bin/env bash
# Fails if any kernel compiled below a directory spills registers. Writes all reports to <directory>/ptxas.txt.
set -euo pipefail

directory=$1
find "$directory" -name '*.ptxas' -print0 | sort -z | xargs -0 cat | c++filt >"$directory/ptxas.txt"
kernels=$(grep -c 'Compiling entry function' "$directory/ptxas.txt" || true)
if [[ $kernels -eq 0 ]]; then
  echo "No kernel was reported: is -Xptxas=-v missing?" >&2
  exit 1
fi
if ! awk '
  /Compiling entry function/ { kernel = $0; sub(/.*entry function /, "", kernel) }
  /bytes spill stores/ && !/ 0 bytes spill stores, 0 bytes spill loads/ { print kernel "\n  " $0; spills = 1 }
  END { exit spills }' "$directory/ptxas.txt" >&2; then
  echo "A kernel spills registers" >&2
  exit 1
fi
echo "$kernels kernels, none spills; $directory/ptxas.txt"
