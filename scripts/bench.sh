#!/usr/bin/env bash
# Runs every benchmark program of a build: scripts/bench.sh build/bench/bin [options of google-benchmark]
set -euo pipefail
bin=$1
shift

shopt -s nullglob
programs=("$bin"/*_bench)
if [ ${#programs[@]} -eq 0 ]; then
  echo "bench: no program named *_bench in $bin" >&2
  exit 1
fi
for program in "${programs[@]}"; do
  echo "== $(basename "$program")"
  "$program" "$@"
done
