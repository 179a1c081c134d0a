#!/bin/sh
# Python with coremltools, outside of the tree, for the tests of Core ML packages.
#
#     coreml.sh path    prints the interpreter, whether it is there or not
#     coreml.sh make    makes it: 1.4 GB, a few minutes
#     coreml.sh run ARGUMENT...    runs it; exit status 77 and a sentence if it is not there
#
# $TDAG_COREML_ENV is another folder than ~/.cache/tdagger/coreml. coremltools says that it has not been
# tried with this PyTorch; the tests do.
set -eu
folder=${TDAG_COREML_ENV:-${XDG_CACHE_HOME:-$HOME/.cache}/tdagger/coreml}
python=$folder/bin/python
packages="coremltools==9.0 numpy==2.3.5 torch==2.13.0 torchvision==0.28.0"

case ${1:-} in
path) echo "$python" ;;
make)
    missing() {
        ! "$python" -c 'import sys, importlib.metadata as packages
sys.exit(any(not packages.version(p.split("==")[0]).startswith(p.split("==")[1])
             for p in sys.argv[1:]))' $packages 2>/dev/null
    }
    [ -x "$python" ] || python3 -m venv "$folder"
    # shellcheck disable=SC2086 # the names are words
    if missing; then
        "$python" -m pip install -q $packages
    fi
    ;;
run)
    shift
    if [ ! -x "$python" ]; then
        echo "skipped: no Python with coremltools; tests/support/coreml.sh make installs it"
        exit 77
    fi
    # coremltools tells at each start what macOS would have.
    exec "$python" -W ignore "$@"
    ;;
*)
    sed -n '2,9s/^# \{0,1\}//p' "$0"
    exit 2
    ;;
esac
