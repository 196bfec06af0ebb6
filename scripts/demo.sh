#!/usr/bin/env bash
# The main job, shown: see scripts/demo.py. An argument is a file whose lines are taken as input.
set -euo pipefail
exec python3 -B "$(dirname "$0")/demo.py" "$@"
