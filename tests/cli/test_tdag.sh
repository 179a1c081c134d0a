#!/bin/sh
# The command without PyTorch: usage, errors, models in the textual form.
# test_tdag.sh TDAG FOLDER ROOT
tdag=$1
root=$3
rm -rf "$2" && mkdir -p "$2" && cd "$2" || exit 1
. "$root/tests/cli/support.sh"

# ---- usage ----
"$tdag" >out 2>err
[ $? -eq 2 ] && grep -q '^usage:' err || fail "no command"
expect 0 'usage: tdag COMMAND' --help
expect 0 'usage: tdag COMMAND' help
expect 0 '^tdag [0-9]+\.[0-9]+\.[0-9]+$' --version
expect 0 '^tdag [0-9]+\.[0-9]+\.[0-9]+$' version
for command in info convert simplify debatch batch run verify diff show ops version; do
    expect 0 "usage: tdag $command" $command --help
done
expect 2 'no command "frobnicate"' frobnicate
expect 2 'needs MODEL' info
expect 2 'needs MODEL OUT' convert x.txt
expect 2 'needs A B' verify x.txt
expect 2 'one argument too many' show a.txt b.txt
expect 2 'no option --frob' info x.txt --frob
expect 2 'no option --rtol' info x.txt --rtol 1
expect 2 'core\|kernel\|fused, not "deep"' info x.txt --level deep
expect 2 'core\|kernel\|fused, not ""' info x.txt --level ''
expect 2 'op\|module\|node\|graph, not "x"' info x.txt --by=x
expect 2 '--level needs' info x.txt --level
expect 2 '--level is given twice' info x.txt --level core --level core
expect 2 'number >= 0' verify a.txt b.txt --rtol -1
expect 2 'number >= 0' verify a.txt b.txt --atol 1x
expect 2 'whole number' verify a.txt b.txt --seed x
expect 2 'only one of' verify a.txt b.txt -i 'f32[1]' --like x.safetensors
expect 2 'needs --in and --out' run a.txt

# ---- inputs ----
cat >model.txt <<'END'
tdag 1
symbols N=2
x: f32[N,3] = input
w: f32[3] = constant [1, -2, 3]
y: f32[N,3] = multiply(x, w) @block.scale
total: f32[N,1] = reduce(y) {axes=[1], kind=sum} @block
return total
END
expect 2 'expected a dtype' info model.txt -i 'q32[1]'
expect 2 "expected '\\['" info model.txt -i f32
expect 2 'expected a size' info model.txt -i 'f32[1,]'
expect 2 "expected ',' or '\\]'" info model.txt -i 'f32[1'
expect 2 'expected the end' info model.txt -i 'f32[1]x'
expect 2 'a size that fits' info model.txt -i 'f32[99999999999999999999]'
expect 2 'needs a sample value' info model.txt -i 'f32[N,3]'
expect 2 'has two values' info model.txt -i 'f32[N=1,N=3]'
expect 3 'is x f32\[N,3\], not f32\[2,4\]' info model.txt -i 'f32[2,4]'
expect 3 'is x f32\[N,3\], not f64\[2,3\]' info model.txt -i 'f64[2,3]'
expect 3 'takes 1 input, 2 given' info model.txt -i 'f32[2,3]' -i 'f32[2,3]'
expect 0 'f32\[N,3\]' info model.txt -i 'f32[N=2,3]'
expect 0 'f32\[N,3\]' info model.txt -i 'x:f32[N=2,3]'

# ---- files ----
expect 3 'No such file' info missing.txt
expect 3 'No such file' info missing.pt
expect 3 'missing.safetensors' run model.txt --in missing.safetensors --out y
printf 'no model at all' >bad.txt
expect 3 'bad.txt: .*byte' info bad.txt
: >empty.txt
expect 3 'empty.txt' info empty.txt
: >empty.pt
expect 3 'no TorchScript file' info empty.pt -i 'f32[1]'
printf 'no model at all' >bad.pt
expect 3 'no TorchScript file' info bad.pt -i 'f32[1]'
printf 'GIF89a' >picture.gif
expect 3 'no model in a format' info picture.gif
mkdir -p folder.txt
expect 3 'folder.txt' info folder.txt
printf 'PK\003\004 and no more' >cut.pt
expect 3 'cut.pt is no zip archive or is cut' info cut.pt
expect 2 'give one -i' info "$root/examples/readme_model.pt"
expect 2 'give one -i' verify "$root/examples/readme_model.pt" "$root/examples/readme_model.pt"
printf 'not safetensors' >bad.safetensors
expect 3 'bad.safetensors' run model.txt --in bad.safetensors --out y.safetensors

# ---- info: 6 products and 4 sums; together a contraction of 6 multiply-adds ----
expect 0 'FLOPs +10 +12 +12$' info model.txt
expect 0 'FLOPs += 6\*N$' info model.txt
expect 0 'FLOPs += 5\*N$' info model.txt --level core
expect 0 '"format": "tdag-info/1"' info model.txt --json
expect 0 '"flops": \{"formula": "5\*N", "at_sample": 10\}' info model.txt --json
expect 0 '"node": "total", "op": "reduce", "module": "block"' info model.txt --json --by node --level core
expect 0 'block.scale' info model.txt --by module --level core
expect 0 'total +reduce +block +f32\[N,1\]' info model.txt --by node --level core
expect 0 'at the fused level' info model.txt --level=fused --exact

# ---- show, convert: the text comes back as itself ----
expect 0 '^total: f32\[N,1\] = reduce' show model.txt
cp out shown
expect 0 "" convert model.txt again.txt
cmp -s shown again.txt || fail "convert and show differ"
expect 0 '' convert again.txt again.txt
cmp -s shown again.txt || fail "the text does not come back as itself"
expect 2 'ending must be' convert model.txt model.onnx
expect 3 '.dot files are not supported' convert model.txt model.dot
expect 3 'no/such/folder' convert model.txt no/such/folder/x.txt
[ -z "$(find . -name '*.tmp')" ] || fail "temporary files stay"

# ---- simplify: x*1 goes, the unused input stays ----
cat >plain.txt <<'END'
tdag 1
symbols N=2
x: f32[N,3] = input
unused: f32[3] = input
one: f32[] = constant [1]
a: f32[N,3] = multiply(x, one)
b: f32[3,N] = permute(a) {order=[1,0]}
c: f32[N,3] = permute(b) {order=[1,0]}
y: f32[N,3] = neg(c)
return y
END
expect 0 '' simplify plain.txt simple.txt
printf 'tdag 1\nsymbols N=2\nx: f32[N,3] = input\nunused: f32[3] = input\ny: f32[N,3] = neg(x)\nreturn y\n' |
    cmp -s - simple.txt || fail "simplify: $(cat simple.txt)"
expect 0 '' simplify simple.txt again_simple.txt
cmp -s simple.txt again_simple.txt || fail "simplify is not idempotent"
expect 0 '' convert --simplify plain.txt converted.txt
cmp -s simple.txt converted.txt || fail "convert --simplify is not simplify"
expect 0 '' simplify plain.txt views.txt --passes views,dead
grep -q multiply views.txt || fail "--passes views removed a multiply"
grep -q permute views.txt && fail "--passes views left a permute"
expect 0 'ok' verify plain.txt simple.txt
expect 2 'no pass "view", only dead, common' simplify plain.txt x.txt --passes views,view
expect 2 'no pass "", only' simplify plain.txt x.txt --passes ''
expect 2 'ending must be' simplify plain.txt x.onnx
expect 3 'No such file' simplify missing.txt x.txt

# ---- diff: names and order do not count ----
cat >same.txt <<'END'
tdag 1
symbols N=7
weight: f32[3] = constant [1, -2, 3]
q: f32[N,3] = input
z: f32[N,3] = multiply(q, weight)
unused: f32[N,3] = neg(z)
s: f32[N,1] = reduce(z) {axes=[1], kind=sum}
return s
END
sed 's/kind=sum/kind=max/; s/, 3\]$/, 3.5]/' model.txt >unlike.txt
expect 0 '^4 nodes match, 0 differences$' diff model.txt same.txt
expect 0 '"equal":.*true' diff model.txt same.txt --json
expect 1 '^2 nodes match, 2 differences$' diff model.txt unlike.txt
expect 1 'weight +w +w +constant +f32\[3\] max abs 0.5 in 1 of 3$' diff model.txt unlike.txt
expect 1 'node +total +total +reduce +block +f32\[N,1\]; spec$' diff model.txt unlike.txt
expect 1 'and 1 more' diff model.txt unlike.txt --most 1
expect 1 'and 2 more' diff model.txt unlike.txt --most 0
expect 1 '"equal":.*false' diff model.txt unlike.txt --json
expect 1 '"max_abs":.*0.5' diff model.txt unlike.txt --json
expect 0 '0 differences' diff model.txt same.txt -i 'f32[2,3]'
expect 3 'is x f32\[N,3\], not f32\[2,4\]' diff model.txt same.txt -i 'f32[2,4]'
expect 3 'No such file' diff model.txt missing.txt
expect 3 'bad.txt' diff bad.txt model.txt
expect 2 'needs A B' diff model.txt
expect 2 'give one -i' diff model.txt "$root/examples/readme_model.pt"

# ---- verify --first: the first value that differs, with its node, op and module ----
cat >deep.txt <<'END'
tdag 1
symbols N=2
x: f32[N,3] = input
w: f32[3] = parameter [1, -2, 3]
one: f32[N,3] = multiply(x, w) @block.one
s: f32[N,3] = sin(one) @block.two
e: f32[N,3] = exp(s) @block.two
total: f32[N,1] = reduce(e) {axes=[1], kind=sum} @block
return total
END
sed 's/sin(one)/tan(one)/' deep.txt >tan.txt
sed 's/-2, 3\]/-2, 3.5]/' deep.txt >weight.txt
sed 's/^e:/v9999:/; s/(e)/(v9999)/; s/^s:/v9998:/; s/(s)/(v9998)/' tan.txt >unnamed.txt
expect 1 '^first  s \(sin, module block.two\) against s \(tan, module block.two\)  max abs' verify deep.txt tan.txt --first
expect 1 'DIFFERS in 2 of 6 elements, first at \[0,2\]$' verify deep.txt weight.txt --first
expect 1 '^first  one \(multiply, module block.one\) against one' verify deep.txt weight.txt --first
expect 1 '^first  one ' verify deep.txt weight.txt --first --engine native,reference
expect 1 '^first  s \(sin, module block.two\) against v4 \(tan' verify deep.txt unnamed.txt --first
expect 1 '^first  s ' verify deep.txt tan.txt --first -i 'f32[N=3,3]'
expect 0 'ok$' verify deep.txt deep.txt --first
expect 0 'ok$' verify deep.txt deep.txt --engine reference,native
expect 2 'two with a comma' verify deep.txt deep.txt --engine native,nix
expect 2 'two with a comma' verify deep.txt deep.txt --engine ,native
expect 2 'is native\|torch\|reference, not' run deep.txt --in x --out y --engine native,native
expect 2 'engines native and reference' verify deep.txt deep.txt --first --engine torch

# ---- verify and run ----
sed 's/w: f32\[3\] = constant \[1, -2, 3\]/w: f32[3] = constant [1, -2, 3.5]/' model.txt >other.txt
sed 's/kind=sum/kind=max/' model.txt >third.txt
sed 's/^return total/return total, y/' model.txt >longer.txt
expect 0 'out0 +f32\[2,1\].*ok' verify model.txt again.txt
expect 0 'ok' verify model.txt again.txt -i 'f32[N=5,3]' --seed 7
expect 0 'ok' verify model.txt again.txt --engine reference
expect 1 'DIFFERS in' verify model.txt other.txt
expect 1 'DIFFERS' verify model.txt third.txt
expect 1 'has 1 outputs.*has 2' verify model.txt longer.txt
expect 0 'ok' verify model.txt other.txt --atol 100
expect 2 'runs TorchScript files only' verify model.txt model.txt --engine torch
# x = [[1, 2, 3], [4, 5, 6]] in a safetensors file
header='{"in0":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}}     '
printf '\100\0\0\0\0\0\0\0%s' "$header" >x.safetensors
printf '\0\0\200\077\0\0\0\100\0\0\100\100\0\0\200\100\0\0\240\100\0\0\300\100' >>x.safetensors
expect 0 '' run model.txt --in x.safetensors --out y.safetensors
# 1 - 4 + 9 = 6 and 4 - 10 + 18 = 12
grep -q '"out0"' y.safetensors || fail "run: no out0"
tail -c 8 y.safetensors | od -An -tf4 | grep -E -q '^ +6 +12$' ||
    fail "run: wrong values: $(tail -c 8 y.safetensors | od -An -tf4)"

# ---- a file with results beside the inputs ----
both() { # both FILE BYTES: x, and the result that the bytes are
    printf '\170\0\0\0\0\0\0\0%s' '{"in0":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"out0":{"dtype":"F32","shape":[2,1],"data_offsets":[24,32]}} ' >"$1"
    tail -c 24 x.safetensors >>"$1"
    printf "$2" >>"$1"
}
both both.safetensors '\0\0\300\100\0\0\100\101'  # 6, 12
both wrong.safetensors '\0\0\300\100\0\0\200\101' # 6, 16
expect 0 '' run model.txt --in both.safetensors --out z.safetensors
cmp y.safetensors z.safetensors || fail "run: results beside the inputs matter"
expect 0 'f32\[N,3\]' info model.txt --like both.safetensors
expect 0 'model.txt against both.safetensors: out0 .* ok' verify model.txt model.txt --in both.safetensors
expect 1 'against wrong.safetensors: out0 .* DIFFERS in 1 of 2' verify model.txt model.txt --in wrong.safetensors
expect 0 '' run model.txt --in x.safetensors --out z.safetensors --engine reference
cmp -s y.safetensors z.safetensors || fail "run: the engines differ"
expect 0 'ok' verify model.txt again.txt --in x.safetensors
expect 0 'f32\[N,3\]' info model.txt --like x.safetensors
expect 2 'TorchScript files only' run model.txt --in x.safetensors --out y --engine torch
expect 3 'no/such/folder' run model.txt --in x.safetensors --out no/such/folder/y

# ---- debatch and batch ----
cat >mixing.txt <<'END'
tdag 1
symbols N=2
x: f32[N,3] = input
k: f32[3] = input
y = add(x, k)
m = reduce(x) {axes=[0], kind=mean} @norm
return y, m
END
sed 's/^return.*/return y/' mixing.txt >batched.txt
expect 0 '' debatch batched.txt one.txt --dim N
expect 0 '^x: f32\[3\] = input' show one.txt
expect 0 '' batch one.txt again.txt --dim B=4 --inputs x --axis 1
expect 0 '^symbols B=4' show again.txt
expect 0 '^x: f32\[3,B\] = input' show again.txt
expect 0 '^k: f32\[3\] = input' show again.txt
expect 0 '' debatch mixing.txt one.txt --dim N --at-one
expect 3 'N cannot be removed: reduce reduces over its axis \(node m, module norm\)' \
    debatch mixing.txt no.txt --dim N
[ -e no.txt ] && fail "a refused model is written"
expect 3 'no symbolic dimension B; it has N' debatch mixing.txt no.txt --dim B
expect 2 'needs --dim N' debatch mixing.txt no.txt
expect 2 'needs --dim N' batch mixing.txt no.txt
expect 2 'as in N=4, not "B=x"' batch mixing.txt no.txt --dim B=x
expect 3 'a dimension N already' batch mixing.txt no.txt --dim N
expect 3 'no input named z' batch mixing.txt no.txt --dim B --inputs x,z
expect 3 'B cannot be axis 2 of an input of 1 axes' batch mixing.txt no.txt --dim B --axis 2

# ---- a terminal: colour there and only there ----
escape=$(printf '\033')
"$tdag" info model.txt | grep -q "$escape" && fail "colour in a pipe"
if script -qec true /dev/null >/dev/null 2>&1; then
    TERM=xterm script -qec "'$tdag' info model.txt" /dev/null </dev/null >typed
    grep -q "$escape.1mmemory$escape" typed || fail "no colour on a terminal"
    TERM=xterm NO_COLOR=1 script -qec "'$tdag' info model.txt" /dev/null </dev/null >typed
    grep -q "$escape" typed && fail "colour in spite of NO_COLOR"
fi

# ---- ops ----
expect 0 '^permute$' ops
expect 0 '`permute`' ops --md
if [ -f "$root/docs/ops.md" ]; then
    cmp -s out "$root/docs/ops.md" || fail "docs/ops.md is not what tdag ops --md prints"
fi
expect 0 '`aten::add`' ops --torch --md
if [ -f "$root/docs/operators.md" ]; then
    cmp -s out "$root/docs/operators.md" ||
        fail "docs/operators.md is not what tdag ops --torch --md prints"
fi
if [ -e /dev/full ]; then
    "$tdag" ops >/dev/full 2>err
    [ $? -eq 3 ] && grep -q '^tdag: error: ' err || fail "a full disk goes unnoticed"
fi

expect 0 '^tdag [0-9]' -V
expect 0 'usage: tdag info' help info
expect 2 'no command "frob"' help frob

finish
