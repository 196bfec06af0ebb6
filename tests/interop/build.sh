#!/usr/bin/env bash
# Builds the program that speaks for the Rust crate (rust/) and prints its path.
#
#   build.sh TARGET_DIR    where cargo may write
#
# What cargo has in its cache is used without asking the network. Exit status 77: it cannot be built here,
# because there is no cargo, or the crates are neither in its cache nor to be had.
set -euo pipefail
manifest=$(dirname "$(realpath "$0")")/rust/Cargo.toml
export CARGO_TARGET_DIR=$1

cargo=$(command -v cargo || true)
[ -n "$cargo" ] || cargo=${CARGO_HOME:-${HOME:-/nonexistent}/.cargo}/bin/cargo
if [ ! -x "$cargo" ]; then
  echo "no cargo on this machine (scripts/bootstrap.sh says how to get it)" >&2
  exit 77
fi
if ! printf '1.80\n%s\n' "$("$cargo" --version | cut -d' ' -f2)" | sort --version-sort --check=quiet; then
  echo "the crates want cargo 1.80 or newer; this is $("$cargo" --version)" >&2
  exit 77
fi
if ! "$cargo" fetch --quiet --offline --manifest-path "$manifest" 2>/dev/null &&
   ! "$cargo" fetch --quiet --manifest-path "$manifest" >&2; then
  echo "cargo cannot get the crates" >&2
  exit 77
fi
"$cargo" build --quiet --release --offline --manifest-path "$manifest" >&2
echo "$CARGO_TARGET_DIR/release/durability_interop"
