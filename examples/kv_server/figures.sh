#!/usr/bin/env bash
# figures.sh BIN [SECONDS]: rate, p50 and p99 of both servers with 1, 64 and 1,024 clients on loopback. The data lies in
# a new directory below TMPDIR; what matters is the disk under it.
set -euo pipefail
bin=$1
seconds=${2:-3}
ulimit -n 4096  # a connection each

data=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$data"' EXIT

for program in kv_server kv_server_callbacks; do
  for clients in 1 64 1024; do
    coproc out { exec "$bin/$program" "$data/$program-$clients"; }
    server=$out_PID
    read -r _ _ port <&"${out[0]}"
    echo -n "$program, "
    "$bin/kv_load" "$port" "$clients" "$seconds"
    kill "$server"
    wait "$server"
    server=
  done
done
