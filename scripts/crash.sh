#!/usr/bin/env bash
# The crash explorer at length: every history of up to LENGTH letters, and more samples of the others.
#   scripts/crash.sh BIN LENGTH JOBS
set -uo pipefail
bin=$1 length=$2 jobs=$3
export DURABILITY_CRASH_LENGTH=$length DURABILITY_CRASH_SAMPLES=${DURABILITY_CRASH_SAMPLES:-4}

# Each test is a process of its own; as many side by side as there are cores.
list() { "$bin/$1" --gtest_list_tests | awk -v program="$1" '/^[^ ]/ { suite = $1 } /^ / { print program, suite $1 }'; }
run_one() {
  log=$(mktemp)
  "$bin/$1" --gtest_filter="$2" --gtest_brief=1 >"$log" 2>&1
  status=$?
  echo "== $2"
  grep -v -E '^(Running main|Note: |\[=====|\[  PASSED)' "$log"
  rm -f "$log"
  return $status
}
export -f run_one
export bin

started=$SECONDS
{ list crash_test; list checkpointing_test; } | grep -v RepeatsTheLine |
  xargs -P "$jobs" -L 1 bash -c 'run_one "$@"' _
status=$?
echo "crash explorer: length $length, $((SECONDS - started)) s, exit status $status"
exit $((status != 0))
