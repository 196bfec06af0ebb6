#!/usr/bin/env bash
# What single operations cost, then the library beside its floor and peers:
# scripts/bench.sh build/bench/bin [options of bench/side_by_side.py]
set -euo pipefail
bin=$1
shift

shopt -s nullglob
for program in "$bin"/*_bench; do
  echo "== $(basename "$program")"
  "$program" --benchmark_min_time=0.1
done
echo "== side by side"
python3 -B "$(dirname "$0")/../bench/side_by_side.py" "$bin" --save "$bin/../side_by_side.json" "$@"
