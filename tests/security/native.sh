#!/bin/sh
# TorchScript files read by the library alone: nothing of them is run, what they say of
# tensors is checked, what they meant in older releases they mean. native.sh TDAG HOSTILE FOLDER ROOT
tdag=$1
files=$2
root=$4
rm -rf "$3" && mkdir -p "$3" && cd "$3" || exit 1
. "$root/tests/cli/support.sh"
export TDAG_TORCH_SHIM=./none.so

refuse() { expect 3 "$2" info "$files/$1.pt" -i 'f32[2]'; }
refuse setstate 'M has a __setstate__, which would have to run; nothing of a file is run'
refuse command 'a value made by os system, which is not known'
refuse other_class 'it has no class __torch__.N'
refuse packed 'an object of __torch__.torch.classes.quantized.LinearPackedParamsBase'
refuse no_state 'an object of __torch__.M has no attributes'
refuse missing 'an object of __torch__.M has no w'
refuse version 'its operators have version 11, known are 1 to 10'
refuse parentheses 'nested more than 200 deep'
refuse carried_path 'y is no value where its loop ends'

refuse short 'record data/0 has 8 bytes, fewer than its storage of 1000 elements'
refuse beyond 'a tensor reaches beyond its record data/0'
refuse far 'a tensor reaches beyond its record data/0'
refuse before 'a pickled tensor has an offset or a flag that is none'
refuse backwards 'a pickled tensor has a size or stride that is none'
refuse negative 'a pickled tensor has a size or stride that is none'
refuse overflow 'too large'
refuse absent 'it has no record data/1 of a tensor'
refuse many_elements 'record data/0 has 8 bytes, fewer than'

means() { expect 0 "output  out0  $2" info "$files/$1.pt" -i 'i64[2]'; }
means div_3 'i64\[2\]'
means div_4 'f32\[2\]'
means full_4 'f32\[2\]'
means full_5 'i64\[2\]'
means linspace_7 'f32\[100\]'
expect 0 'output  out0  f32\[2,11,15,2\]' info "$root/examples/readme_model.pt" \
    -i 'f32[10,20,30,48]'

[ "$(ls | grep -v -e '^out$' -e '^err$')" = '' ] || fail "something was made: $(ls)"
finish
