#!/bin/sh
# Makes models by PyTorch (or finds them in the cache) and simplifies each.
# models.sh PYTHON PROGRAM ROOT NAME...
python=$1 program=$2 root=$3
shift 3
stems=
for path in $("$python" -W ignore "$root/tests/torchscript/models.py" make "$@" | grep '\.pt$'); do
    stems="$stems ${path%.pt}"
done
[ -n "$stems" ] || exit 77
"$program" $stems
