#!/usr/bin/env bash
# Trains for an hour and checks that resident memory stays flat: after a warm-up of a sixth of the time the largest and
# the smallest reading differ by less than 2% of the mean. Fails where they do not. The least and the most of every ten
# readings, a second apart, go to soak.csv in OUT.
#   java/plait-lab/soak.sh [MINUTES [OUT [OPTION OF TRAIN]...]]      e.g. soak.sh 20 runs/soak --recipe bread
# It builds first, unless PLAIT_JAR names a plait.jar.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
minutes=${1:-60}
out=${2:-$root/java/plait-lab/target/soak-$(date +%Y%m%d-%H%M%S)}
options=("${@:3}")
[[ ${#options[@]} -gt 0 ]] || options=(--recipe luffy)
readings=10 # a second apart, for one sample
limit_percent=2

mkdir -p "$out"
if [[ -z ${PLAIT_JAR:-} ]]; then
  "$root/java/plait-lab/plait.sh" --version
fi
# A copy, which no later build replaces while it runs.
cp "${PLAIT_JAR:-$root/java/plait-lab/target/plait.jar}" "$out/plait.jar"

# The base is trained and cached first: it is another phase of the program, with another amount of memory.
java -jar "$out/plait.jar" train "${options[@]}" --steps 0 --out "$out/base"

# The heap is committed at once, so that what grows is a leak and not the heap on its way to its limit; and large blocks
# go back to the system when they are freed: left to itself glibc raises its thresholds and keeps some.
MALLOC_MMAP_THRESHOLD_=131072 MALLOC_TRIM_THRESHOLD_=131072 \
  java -Xms256m -Xmx256m -XX:+AlwaysPreTouch -jar "$out/plait.jar" train "${options[@]}" \
  --steps 100000000 --threads 1 --out "$out/run" >"$out/train.log" 2>&1 &
train=$!
trap 'kill "$train" 2>/dev/null || true' EXIT

resident() { awk '$1 == "VmRSS:" { print $2 }' "/proc/$train/status"; }
steps_taken() { if [[ -f $out/run/metrics.csv ]]; then echo $(($(wc -l <"$out/run/metrics.csv") - 1)); else echo 0; fi; }

echo "seconds,steps,least_kib,most_kib" >"$out/soak.csv"
started=$SECONDS
while ((SECONDS - started < minutes * 60)); do
  least= most=0
  for ((i = 0; i < readings; i++)); do
    sleep 1
    if ! kib=$(resident) || [[ -z $kib ]]; then
      echo "Training stopped by itself:" >&2
      tail -n 5 "$out/train.log" >&2
      exit 1
    fi
    if [[ -z $least ]] || ((kib < least)); then least=$kib; fi
    if ((kib > most)); then most=$kib; fi
  done
  echo "$((SECONDS - started)),$(steps_taken),$least,$most" >>"$out/soak.csv"
done

awk -F, -v warm_up=$((minutes * 60 / 6)) -v limit=$limit_percent '
  NR > 1 && $1 >= warm_up {
    n++; x = $1 / 3600; y = $3 / 1024
    if (n == 1 || y < low) low = y
    if ($4 / 1024 > high) high = $4 / 1024
    sum_x += x; sum_y += y; sum_xx += x * x; sum_xy += x * y
    if (n == 1) { first = $1; first_step = $2 }
    last = $1; last_step = $2
  }
  END {
    if (n < 3) { print "Too few samples after the warm-up: run longer."; exit 1 }
    mean = sum_y / n
    slope = (n * sum_xy - sum_x * sum_y) / (n * sum_xx - sum_x * sum_x)
    spread = 100 * (high - low) / mean
    printf "%d samples from minute %.1f to %.1f, steps %d to %d: mean %.1f MiB, smallest %.1f, largest %.1f\n",
      n, first / 60, last / 60, first_step, last_step, mean, low, high
    printf "spread %.2f%% of the mean, trend %+.2f MiB an hour (%+.2f%%)\n", spread, slope, 100 * slope / mean
    print (spread < limit ? "Flat" : "NOT flat") " within " limit "%"
    exit spread < limit ? 0 : 1
  }' "$out/soak.csv"
