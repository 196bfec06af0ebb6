#!/usr/bin/env bash
# Prints the test programs to run under ThreadSanitizer: those of each module (durability/<name>) and
# area (tests/<name>) that has a file which starts threads, or takes a worker that does. Not those that
# replace what a sanitizer replaces (tests/shortages) or run threads one at a time (tests/schedules).
set -euo pipefail
cd "$(dirname "$0")/.."

grep -lE '^#include (<(thread|future)>|"durability/base/worker\.hpp")' \
     $(git ls-files -co --exclude-standard -- 'durability/*/*.[ch]pp' 'tests/*/*.[ch]pp') |
  cut -d/ -f1-2 | sort -u | grep -vE '^tests/(shortages|schedules)$' |
  while read -r folder; do
    if compgen -G "$folder/*_test.cpp" >/dev/null; then
      echo "$(basename "$folder")_test"
    fi
  done
