#!/bin/sh
# The command on a TorchScript file, by PyTorch and by itself.
# test_torch.sh TDAG FOLDER ROOT
tdag=$1
root=$3
rm -rf "$2" && mkdir -p "$2" && cd "$2" || exit 1
. "$root/tests/cli/support.sh"

model=$root/examples/readme_model.pt
input='f32[10,20,30,48]'
expect 0 '"format": "tdag-info/1"' info "$model" -i "$input" --json
expect 0 'buffers +48 +192 B' info "$model" -i "$input"
expect 0 '^to_add: f32\[1\] = parameter' show "$model" -i "$input"
expect 0 '' convert "$model" again.pt -i "$input"
expect 0 'ok' verify "$model" again.pt -i "$input"
expect 0 'ok' verify "$model" again.pt -i "$input" --engine native
expect 0 '' convert "$model" model.txt -i "$input"
expect 0 'ok' verify "$model" model.txt
# x of zeros in a safetensors file, under the name of the model's input
header='{"x":{"dtype":"F32","shape":[10,20,30,48],"data_offsets":[0,1152000]}}          '
printf '\120\0\0\0\0\0\0\0%s' "$header" >x.safetensors
head -c 1152000 /dev/zero >>x.safetensors
for engine in torch native reference; do
    expect 0 '' run "$model" --in x.safetensors --out $engine.safetensors --engine $engine
    grep -q '"out0":{"dtype":"F32","shape":\[2,11,15,2\]' $engine.safetensors ||
        fail "run by $engine: no out0"
done
expect 0 'ok' verify "$model" again.pt --in x.safetensors --rtol 1e-6
expect 0 'f32\[10,20,30,48\]' info "$model" --like x.safetensors
expect 2 'give one -i' info "$model"
expect 3 'takes|inputs' info "$model" -i "$input" -i "$input"
expect 3 'broadcast|shape|dims' info "$model" -i 'f32[10,20,30,47]'
expect 3 '' info "$model" -i 'f32[10]'
expect 3 '' verify "$model" again.pt -i 'f32[10,20,30,47]'
head -c 700 "$model" >cut.pt
expect 3 'cut.pt' info cut.pt -i "$input"
expect 3 'cut.pt' verify cut.pt "$model" -i "$input"
expect 3 'no/such/folder' convert "$model" no/such/folder/x.pt -i "$input"
expect 3 'nothing.so' info "$model" -i "$input" --reader shim --shim ./nothing.so

# a model without inputs is asked for none
printf 'tdag 1\nw: f32[3] = parameter [1, 2, 3]\nv: f32[3] = exp(w)\nreturn v\n' >none.txt
expect 0 '' convert none.txt none.pt
expect 0 'f32\[3\]' info none.pt
expect 0 '' convert none.pt none.tdag
expect 0 '' convert none.pt none.pt2
expect 0 'ok' verify none.pt none.tdag
expect 0 'ok' verify none.pt none.pt
for engine in torch native reference; do
    expect 0 '' run none.pt --out none.$engine.safetensors --engine $engine
    grep -q '"out0":{"dtype":"F32","shape":\[3\]' none.$engine.safetensors ||
        fail "run by $engine without inputs: no out0"
done
expect 0 '' run none.tdag --out none.safetensors
expect 2 'needs --in and --out' run "$model" --out y.safetensors
expect 2 'needs --in and --out' run model.txt --out y.safetensors
expect 3 'takes|inputs' info none.pt -i 'f32[3]'

# a sequence of calls, and results that are numbers
p=$root/tests/program/collect.txt
expect 0 '' convert "$p" program.pt
expect 0 '^call 3' verify program.pt "$p" --calls 3
expect 0 '^call 2' verify "$p" program.pt --calls 2 --engine reference,torch
expect 2 'PyTorch keeps its own' run program.pt --in x.safetensors --out y.safetensors \
    --engine torch --state s.safetensors

finish
