#!/bin/sh
# From nothing to the main job, on Debian 12 (as root or with sudo): installs what is
# missing, builds libtdagger in build/quickstart, and takes a TorchScript model through
# its tensor DAG: what it costs, the model written again, the proof that both compute the
# same. No PyTorch is needed; where Debian's is installed, it runs both models, too.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/tests/support/setup.sh"

# shellcheck disable=SC2086 # the names are words
need $(without_pytorch $BUILD_PACKAGES)
case $(dpkg-query -W -f='${Status}' libtorch-dev 2>/dev/null) in
*" installed") shim=ON ;;
*) shim=OFF ;;
esac
out=$root/build/quickstart
say "Building in build/quickstart"
configure "$out" -DTDAG_TESTS=OFF -DTDAG_EXAMPLES=OFF "-DTDAG_SHIM=$shim" -Wno-dev
cmake --build "$out" --parallel "$(jobs_that_fit)" </dev/null

tdag=$out/src/cli/tdag
cd "$root"
model=examples/readme_model.pt
again=build/quickstart/again.pt
input='x:f32[10,20,30,48]'

show() { # runs a command after printing it as a user would type it
    printf '\n$ tdag'
    for word in "$@"; do
        case $word in *\[*) printf " '%s'" "$word" ;; *) printf ' %s' "$word" ;; esac
    done
    printf '\n'
    "$tdag" "$@"
}

say "What the model of the README costs, at each of the three levels"
for level in core kernel fused; do
    show info "$model" -i "$input" --exact --level "$level"
done
say "The same model written as TorchScript again, through the DAG"
show convert "$model" "$again" -i "$input"
say "Do both compute the same? Run by the library's own engines"
show verify "$model" "$again" -i "$input" --engine native --rtol 1e-6 --atol 1e-6
show verify "$model" "$again" -i "$input" --engine reference --rtol 1e-6 --atol 1e-6
if [ "$shim" = ON ]; then
    say "And by PyTorch"
    show verify "$model" "$again" -i "$input" --engine torch --rtol 1e-6 --atol 1e-6
fi
say "Done. The command is $tdag; \`tdag --help\` tells the rest."
