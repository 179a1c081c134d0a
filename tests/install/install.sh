#!/bin/sh
# Installs a build, moves the installed tree elsewhere, and builds and runs a C and a C++
# client against it by CMake and by pkg-config: install.sh BUILD SOURCES
set -eu
build=$1
here=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

check() { # check NAME PROGRAM...: the client's one line is what it must be
    name=$1
    shift
    got=$("$@")
    if [ "$got" != "flops 10, sums 5 50" ]; then
        echo "$name printed: $got"
        exit 1
    fi
    echo "$name: $got"
}

cmake --install "$build" --prefix "$work/first" >"$work/log" || { cat "$work/log"; exit 1; }
mv "$work/first" "$work/moved"
library=$(find "$work/moved" -name 'libtdagger.so' -exec dirname {} \;)
[ -n "$library" ] || { echo "libtdagger.so is not installed"; exit 1; }
readelf -d "$library/libtdagger.so" | grep -q 'SONAME.*libtdagger\.so\.[0-9]*\.[0-9]*\]' ||
    { echo "the SONAME is not major.minor"; exit 1; }

cmake -S "$here/found" -B "$work/found" -DCMAKE_PREFIX_PATH="$work/moved" >"$work/log" 2>&1 &&
    cmake --build "$work/found" >>"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
check "C by find_package" "$work/found/client_c"
check "C++ by find_package" "$work/found/client_cxx"

export PKG_CONFIG_PATH="$library/pkgconfig"
flags=$(pkg-config --cflags --libs tdagger)
case $flags in
*"$work/first"*) echo "tdagger.pc names where it was first installed: $flags"; exit 1 ;;
esac
# shellcheck disable=SC2086 # the flags are words
cc -std=c11 -Wall -Wextra -Wpedantic -Werror "$here/client.c" -o "$work/c" $flags
# shellcheck disable=SC2086
c++ -std=c++17 -Wall -Wextra -Wpedantic -Werror "$here/client.cpp" -o "$work/cxx" $flags
check "C by pkg-config" env LD_LIBRARY_PATH="$library" "$work/c"
check "C++ by pkg-config" env LD_LIBRARY_PATH="$library" "$work/cxx"

# An installed command finds its library by itself.
if [ -x "$work/moved/bin/tdag" ]; then
    "$work/moved/bin/tdag" --version
fi
