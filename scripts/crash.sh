#!/usr/bin/env bash
# The crash explorer at length: every history of up to LENGTH letters, and more samples of the others.
#   scripts/crash.sh BIN LENGTH JOBS
set -uo pipefail
bin=$1 length=$2 jobs=$3
export DURABILITY_CRASH_LENGTH=$length DURABILITY_CRASH_SAMPLES=${DURABILITY_CRASH_SAMPLES:-64}

# Each test is a process of its own; as many side by side as there are cores, those that take longest first.
list() {
  "$bin/$1" --gtest_list_tests --gtest_filter="$2" |
    awk -v program="$1" '/^[^ ]/ { suite = $1 } /^ / { print program, suite $1 }'
}
run_one() {
  log=$(mktemp)
  begun=$(date +%s%N)
  "$bin/$1" --gtest_filter="$2" --gtest_brief=1 >"$log" 2>&1
  status=$?
  echo "== $2: $((($(date +%s%N) - begun) / 1000000)) ms"
  grep -v -E '^(Running main|Note: |\[=====|\[  PASSED)' "$log"
  rm -f "$log"
  return $status
}
export -f run_one
export bin

log=$(mktemp)
trap 'rm -f "$log"' EXIT
started=$SECONDS
{
  list crash_test 'RandomHistories*:*CrashWords*'
  list crash_test '*:-RandomHistories*:*CrashWords*:*RepeatsTheLine*'
  list checkpointing_test '*'
  list recordlog_test '*Crash*:*Words*'
} | xargs -P "$jobs" -L 1 bash -c 'run_one "$@"' _ | tee "$log"
status=$?
states=$(grep -oE '[0-9]+ (crash )?states$' "$log" | awk '{ states += $1 } END { print states + 0 }')
echo "crash explorer: words of up to $length letters, $DURABILITY_CRASH_SAMPLES times a test's samples," \
     "$states unique crash states, $((SECONDS - started)) s, exit status $status"
exit $((status != 0))
