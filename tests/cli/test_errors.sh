#!/bin/sh
# What the command says to files that are no models, to inputs that do not fit, and to
# operators that it does not know; and those kept opaque.
# test_errors.sh TDAG FOLDER ROOT PYTHON
tdag=$1
root=$3
rm -rf "$2" && mkdir -p "$2" && cd "$2" || exit 1
. "$root/tests/cli/support.sh"
"$4" -W ignore "$root/tests/cli/error_models.py" . || exit 1

image='f32[1,3,8,8]'
for file in cut_head cut_half cut_tail flipped empty words zip folder state old missing; do
    expect 3 "$file.pt" info $file.pt -i "$image"
done
expect 3 'cut_half.pt' convert cut_half.pt out.pt -i "$image"
[ ! -e out.pt ] || fail 'cut_half.pt was converted'
expect 0 '^conv.pt' info conv.pt -i "$image"
expect 3 'conv.pt: .*aten::_convolution.*dims 4 and 3' info conv.pt -i 'f32[1,4,8,8]'
expect 3 'conv.pt: .*less than its kernel' info conv.pt -i 'f32[1,3,2,2]'
expect 3 'conv.pt: .*rank 2' info conv.pt -i 'f32[2,2]'
expect 3 'conv.pt: .*i64 and f32' info conv.pt -i 'i64[1,3,8,8]'
expect 3 'conv.pt: .*f16 and f32' info conv.pt -i 'f16[1,3,8,8]'
expect 3 'conv.pt: the model takes 1 input, 2' info conv.pt -i "$image" -i "$image"
expect 3 'lookup.pt: .*index of i64.*f32.*module table' info lookup.pt -i 'f32[2]'
expect 0 '^method forward' info branch.pt -i 'f32[2]'
expect 3 'gives no symbol of the model a size' info branch.pt -i 'f32[2]' --at trip_loop1=3
expect 3 'by statements, graphs, operators and modules' info branch.pt -i 'f32[2]' --by node
expect 2 'give one -i' info conv.pt

# What a symbolic size decides, as docs/symbols.md has it.
expect 0 '^method forward' info sized.pt -i 'f32[N=4]'
expect 0 '^sized.pt' info sized.pt -i 'f32[4]'
expect 0 'f32\[N\] = add' show decided.pt -i 'f32[N=4]'
expect 3 'decided.pt: .*a branch that a symbolic size decides' info decided.pt -i 'f32[N=3]'
expect 0 'loop limit' info loop.pt -i 'f32[N=4]'
for file in sorted:sort counted:count numbered:Int texted:branch keyed:key; do
    expect 3 "${file%:*}.pt: .*${file#*:}.*a symbolic size decides; give that dim a fixed size" \
        info ${file%:*}.pt -i 'f32[N=4]'
    expect 0 "^${file%:*}.pt" info ${file%:*}.pt -i 'f32[4]'
done
expect 3 'aten::split of an axis of symbolic size, whose pieces are' info listed.pt -i 'f32[N=4]'
expect 3 'a kernel of symbolic size; give that dim a fixed size' info kernel.pt -i 'f32[N=4]'
expect 3 'a key of a dict that tensor data decides' info setbydata.pt -i 'f32[4]'
expect 3 'a branch that .*numbers and not their texts' info textofdata.pt -i 'f32[4]'
expect 3 'an output that is a string that tensor data decides' info chosen.pt -i 'f32[4]'
expect 3 'an output that is a list of tuples .*a list of each' info manypairs.pt -i 'f32[4]'
expect 0 'f32\[N,N\]' show ordered.pt -i 'f32[N=4]'
expect 0 '^told.pt' info told.pt -i 'f32[N=4]'
expect 3 'aten::unsqueeze_ of a tensor that lives between calls' info reshaped.pt -i 'f32[4]'

# All unknown operators at once, each with its module and line.
x='f32[4,4]'
expect 3 'aten::fake_quantize_per_tensor_affine.* in wave \(.*error_models.py:[0-9]+\); aten::fake_quantize_per_channel_affine.* in wave \(.*aten::fake_quantize_per_tensor_affine.* in solve \(.*error_models.py:[0-9]+\)' \
    info strange.pt -i "$x"

# Kept: counted beside the totals, exported as they were, computing the same.
expect 0 'unpriced nodes +3 +3 +3' info strange.pt -i "$x" --opaque
expect 0 '"unpriced": *3' info strange.pt -i "$x" --opaque --json
expect 0 'opaque.*name="aten::fake_quantize_per_tensor_affine", arguments="\$0, 0\.25, 0, -8, 8"' show strange.pt -i "$x" --opaque
for file in strange pair mixed; do
    expect 0 '' convert $file.pt $file.again.pt -i "$x" --opaque
    expect 0 'ok' verify $file.pt $file.again.pt -i "$x"
    expect 0 '' convert $file.pt $file.txt -i "$x" --opaque
    expect 0 '' convert $file.txt $file.third.pt
    expect 0 'ok' verify $file.pt $file.third.pt -i "$x"
done
expect 0 'unpriced nodes +2' info pair.pt -i "$x" --opaque
expect 3 'pair.pt: unsupported: aten::linalg_eigh' info pair.pt -i "$x"
expect 3 'linalg_eigh.*cannot be evaluated' verify pair.pt pair.again.pt -i "$x" --opaque \
    --engine native
expect 3 'keep.pt: .*aten::fake_quantize_per_tensor_affine.*, with a symbolic size' \
    info keep.pt -i 'f32[N=2,4,4]' --opaque
expect 0 'unpriced nodes +1' info keep.pt -i 'f32[2,4,4]' --opaque
expect 0 'linalg_eigh", arguments="\$0, \\"U' show mixed.pt -i "$x" --opaque
expect 0 'arguments="\$0, 0\.25' show mixed.pt -i "$x" --opaque
expect 0 'fractional_max_pool2d", arguments="\$0, \[2, 2\], \[2, 2\], \$1"' show mixed.pt -i "$x" --opaque
expect 0 'linalg_ldl_factor", arguments="\$0, hermitian=True"' show mixed.pt -i "$x" --opaque

finish
