#!/bin/sh
# Builds everything and runs all tests, on Debian 12 (as root or with sudo) with Debian's
# PyTorch. tests/run.sh [--without-pytorch] [CTEST OPTION]...
#
# The last line is "N passed, N failed"; the exit status is 0 if none failed. The build
# stays in build/debian, so that the next run is short. With --without-pytorch nothing of
# PyTorch is installed or used, the build is in build/without-pytorch, and what was left
# out is said at the end.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/tests/support/setup.sh"

if [ "${1:-}" = --without-pytorch ]; then
    shift
    # shellcheck disable=SC2086 # the names are words
    need $(without_pytorch $BUILD_PACKAGES $TEST_PACKAGES)
    TDAG_LEFT_OUT="Left out, as they need PyTorch: the shim; cases that PyTorch makes and runs (models.*
and those of torchscript.*, security.* and cli.* that read them); results compared with
PyTorch's (ops.expectations, derive.expectations, derive.native, format.safetensors_peer,
torch.export's view of .pt2 files); README.md and those pages of docs/ that run models by it."
    export TDAG_LEFT_OUT
    TDAG_CTEST=$* exec sh "$root/tests/support/build_and_test.sh" \
        "$root/build/without-pytorch" -DTDAG_WERROR=ON -DTDAG_SHIM=OFF -DTDAG_PYTHON=OFF
fi

# shellcheck disable=SC2086 # the names are words
need $BUILD_PACKAGES $TEST_PACKAGES
TDAG_CTEST=$* exec sh "$root/tests/support/build_and_test.sh" "$root/build/debian" \
    -DTDAG_WERROR=ON -DTDAG_PYTHON=/usr/bin/python3
