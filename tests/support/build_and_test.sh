#!/bin/sh
# build_and_test.sh BUILD [CMAKE OPTION]...: configures, builds and tests in that folder
# and prints a closing line "N passed, N failed". A build that fails is one failure. The
# words of TDAG_CTEST are options for ctest.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/tests/support/setup.sh"

build=$1
shift
close() { # close PASSED FAILED
    printf '%s passed, %s failed\n' "$1" "$2"
    [ "$2" -eq 0 ] && exit 0
    exit 1
}

say "Building in $build"
(configure "$build" "$@") || close 0 1
cmake --build "$build" --parallel "$(jobs_that_fit)" </dev/null || close 0 1

say "Testing in $build"
log=$build/ctest.log
# shellcheck disable=SC2086 # the options are words
{ ctest --test-dir "$build" --output-on-failure --parallel "$(nproc)" ${TDAG_CTEST:-} \
    </dev/null 2>&1 ||
    echo "ctest ended with $?"; } | tee "$log"
# "98% tests passed, 1 tests failed out of 50"; skipped ones are in that count.
total=$(sed -n 's/^.*tests passed, [0-9]* tests failed out of \([0-9]*\)$/\1/p' "$log")
failed=$(sed -n 's/^.*tests passed, \([0-9]*\) tests failed out of [0-9]*$/\1/p' "$log")
skipped=$(grep -c '\*\*\*Skipped' "$log" || true)
if [ -z "$total" ] || [ "$total" -eq 0 ]; then
    echo "no tests were run"
    close 0 1
fi
[ "$skipped" -eq 0 ] || printf '%s skipped\n' "$skipped"
[ -z "${TDAG_LEFT_OUT:-}" ] || printf '%s\n' "$TDAG_LEFT_OUT"
close $((total - failed - skipped)) "$failed"
