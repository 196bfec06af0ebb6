#!/usr/bin/env bash
# Installs what this project builds on and a Debian 12 machine lacks. Safe to run again: with nothing
# missing it asks dpkg once and touches neither network nor package lists.
#
#   scripts/bootstrap.sh build    what `make build` and `make demo` need (the default)
#   scripts/bootstrap.sh dev      that, and what tests, checks and benchmarks need
#   scripts/bootstrap.sh bench    what `make bench` needs: also the stores it compares with
#   scripts/bootstrap.sh powercut what `make powercut` needs
#
# Needs root, or sudo, only where something is missing.
#
# cargo is not installed: only tests/interop and the Rust peers of `make bench` need it, and say so where they
# are left out. It comes from rustup (https://rustup.rs); what Debian 12 has is too old for the crates.
set -euo pipefail

build=(
  g++ cmake ninja-build make  # compiler and build
  ccache                      # a second build costs seconds
  libexpected-dev             # tl::expected, under Result<T>
  libdeflate-dev              # crc32
  libboost1.81-dev            # Boost.PFR: the fields of a struct; Boost.Asio: async
  libfmt-dev                  # messages
  libcli11-dev                # command line
  nlohmann-json3-dev          # --json
  python3                     # scripts
)
dev=(
  git                                              # the checks look at the files git knows
  libgtest-dev libgmock-dev                        # tests
  librapidcheck-dev                                # tests of properties on random input
  libbenchmark-dev                                 # benchmarks
  clang-19 libclang-rt-19-dev                      # the second compiler; sanitizers, libFuzzer
  clang-format-19 clang-tidy-19                    # make check
)
bench=(
  libbenchmark-dev                                           # what single operations cost
  librocksdb-dev libleveldb-dev libsqlite3-dev liblmdb-dev   # peers
  strace linux-perf                                          # system calls are counted
  liburing-dev                                               # bench_uring_or_bridge
)
powercut=(
  e2fsprogs xfsprogs btrfs-progs  # file systems to cut the power under
  mount util-linux                # fsfreeze, unshare
)

case "${1:-build}" in
  build) wanted=("${build[@]}") ;;
  dev) wanted=("${build[@]}" "${dev[@]}") ;;
  bench) wanted=("${build[@]}" "${bench[@]}") ;;
  powercut) wanted=("${build[@]}" "${powercut[@]}") ;;
  *)
    echo "usage: scripts/bootstrap.sh [build|dev|bench|powercut]" >&2
    exit 2
    ;;
esac

if ! command -v dpkg-query >/dev/null; then
  echo "bootstrap: this is not a Debian system. Install the counterparts of these packages," >&2
  echo "bootstrap: then run make with BOOTSTRAP=no: ${wanted[*]}" >&2
  exit 1
fi

cargo=${CARGO_HOME:-${HOME:-/nonexistent}/.cargo}/bin/cargo
if [ "${1:-build}" = dev ] && ! command -v cargo >/dev/null && [ ! -x "$cargo" ]; then
  echo "bootstrap: there is no cargo, so the tests beside the Rust crate (tests/interop) will be skipped;" >&2
  echo "bootstrap: rustup (https://rustup.rs) installs it" >&2
fi

installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "${wanted[@]}" 2>/dev/null | sed -n 's/^installed //p' || true)
missing=()
for package in "${wanted[@]}"; do
  grep -qxF -- "$package" <<<"$installed" || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "bootstrap: missing packages, and neither root nor sudo to install them: ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi

echo "bootstrap: installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}"
