#!/usr/bin/env bash
# check_golden.sh: builds tests/golden with every compiler there is, without and with optimisation, and compares what it
# prints with what is written down. Exit 77: there is no second compiler, and what the first one makes is right.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sources=(tests/golden/main.cpp)
for name in cbor_read cbor_stream cbor_write commit_record digest escape merkle path result sha256 value; do
  sources+=("runtime/$name.cpp")
done
compilers=0
for compiler in g++ clang++; do
  command -v "$compiler" >/dev/null || continue
  compilers=$((compilers + 1))
  for level in -O0 -O3; do
    "$compiler" -std=c++20 -w "$level" -I. -Iruntime/include "${sources[@]}" -o "$work/golden" -lcrypto
    "$work/golden" >"$work/printed.txt"
    diff "tests/golden/expected.txt" "$work/printed.txt" || { echo "$compiler $level makes something else"; exit 1; }
    echo "$compiler $level: as expected"
  done
done
[ "$compilers" -ge 2 ] || { echo "skipped: only one compiler is installed"; exit 77; }
