#!/bin/sh
# Builds everything and runs all tests, on Debian 12 (as root or with sudo) with Debian's
# PyTorch. tests/run.sh [CTEST OPTION]...
#
# The last line is "N passed, N failed"; the exit status is 0 if none failed. The build
# stays in build/debian, so that the next run is short.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/tests/support/setup.sh"

# shellcheck disable=SC2086 # the names are words
need $BUILD_PACKAGES $TEST_PACKAGES
TDAG_CTEST=$* exec sh "$root/tests/support/build_and_test.sh" "$root/build/debian" \
    -DTDAG_WERROR=ON -DTDAG_PYTHON=/usr/bin/python3
