#!/usr/bin/env bash
# Runs a compilation and keeps what ptxas says of each kernel in <object>.ptxas; all else that it says goes on to stderr.
set -euo pipefail

object=
for ((i = 1; i < $#; ++i)); do
  if [[ ${!i} == -o ]]; then
    next=$((i + 1))
    object=${!next}
  fi
done

said=$(mktemp)
trap 'rm -f "$said"' EXIT
status=0
"$@" 2>"$said" || status=$?
ptxas='^ptxas info|bytes stack frame|^[[:space:]]*$'
grep -vE "$ptxas" "$said" >&2 || true
if [[ -n $object ]]; then
  { grep -E "$ptxas" "$said" || true; } >"$object.ptxas"
fi
exit "$status"
