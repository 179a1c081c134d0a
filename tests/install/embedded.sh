#!/bin/sh
# Builds the clients in a project that has libtdagger's sources in it, by
# add_subdirectory: embedded.sh ROOT SOURCES
set -eu
root=$1
here=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cmake -S "$here/embedded" -B "$work" -DTDAGGER_SOURCE="$root" >"$work/log" 2>&1 &&
    cmake --build "$work" --parallel 2 >>"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
for client in client_c client_cxx; do
    got=$("$work/$client")
    echo "$client: $got"
    [ "$got" = "flops 10, sums 5 50" ] || exit 1
done
