#!/bin/sh
# Makes models by PyTorch (or finds them in the cache) and simplifies each.
# models.sh PYTHON PROGRAM ROOT NAME...
python=$1 program=$2 root=$3
shift 3
stems=
for name in "$@"; do
    path=$("$python" -W ignore "$root/tests/torch/models.py" make "$name" | tail -1)
    case $path in
    *.pt) stems="$stems ${path%.pt}" ;;
    *) echo "skipped: $path" ;;
    esac
done
[ -n "$stems" ] || exit 77
"$program" $stems
