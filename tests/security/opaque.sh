#!/bin/sh
# What --opaque does with operators that would do more than compute: they are not run.
# opaque.sh TDAG HOSTILE FOLDER ROOT
tdag=$1
files=$2
root=$4
rm -rf "$3" && mkdir -p "$3" && cd "$3" || exit 1
. "$root/tests/cli/support.sh"

x='f32[4,2]'
for file in from_file from_file_meta; do
    expect 3 'aten::from_file, which is not run, as its argument filename is of type str' \
        info "$files/$file.pt" -i "$x" --opaque
done
expect 3 'aten::save, which gives nothing' info "$files/save.pt" -i "$x" --opaque
expect 3 'unique_dim, whose results have sizes that depend on tensor data' \
    info "$files/by_data.pt" -i "$x" --opaque
expect 3 'crow_indices, which gives a view' info "$files/views.pt" -i "$x" --opaque
expect 0 'fake_quantize_per_tensor_affine.*shape=\[4,2\]' show "$files/pure.pt" -i "$x" --opaque
expect 0 'linalg_eigh.*shape=\[4,4\]' show "$files/text.pt" -i "$x" --opaque

[ "$(ls | grep -v -e '^out$' -e '^err$')" = '' ] || fail "something was made: $(ls)"
finish
