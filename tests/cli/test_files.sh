#!/bin/sh
# The command on .tdag files: every command takes them, without a word on the inputs, and
# they hold what the textual form holds.
# test_files.sh TDAG FOLDER ROOT
tdag=$1
root=$3
rm -rf "$2" && mkdir -p "$2" && cd "$2" || exit 1
. "$root/tests/cli/support.sh"

cat >model.txt <<'END'
tdag 1
symbols N=2
x: f32[N,3] = input
w: f32[3] = parameter [1, -2, 3]
y: f32[N,3] = multiply(x, w) @a.scale
z: f32[N,3] = multiply(y, w) @b.scale
total: f32[N,1] = reduce(z) {axes=[1], kind=sum} @b
return total
END

# ---- there and back ----
expect 0 '' convert model.txt a.tdag
expect 0 '' convert a.tdag b.tdag
cmp -s a.tdag b.tdag || fail "a second save differs"
expect 0 '' convert b.tdag back.txt
"$tdag" show --full model.txt >want.txt
cmp -s back.txt want.txt || fail "the text differs: $(diff want.txt back.txt | head -5)"
cp a.tdag renamed.bin
expect 0 'x +f32\[N,3\]' info renamed.bin

# ---- every command ----
expect 0 'input +x +f32\[N,3\]' info a.tdag
expect 0 'z: f32\[N,3\] = multiply' show a.tdag
expect 0 'ok' verify a.tdag model.txt
expect 0 'ok' verify a.tdag b.tdag --seed 3
expect 0 'ok' verify a.tdag model.txt -i 'f32[5,3]'
expect 3 'input 0 of the model' info a.tdag -i 'f32[5,4]'
expect 3 'takes 1 input, 2 given' info a.tdag -i 'f32[5,3]' -i 'f32[1]'
# a file of inputs: in0, two ones and a two in each row
printf '\073\0\0\0\0\0\0\0{"in0":{"dtype":"F32","shape":[1,3],"data_offsets":[0,12]}}' >in.safetensors
printf '\0\0\200\077\0\0\200\077\0\0\0\100' >>in.safetensors
expect 0 '' run a.tdag --in in.safetensors --out out.safetensors
[ "$(tail -c 4 out.safetensors | od -An -tf4 | tr -d ' ')" = 23 ] || fail "1 + 4 + 2 * 9"
expect 2 'runs TorchScript files only' verify a.tdag b.tdag --engine torch

# ---- programs ----
p=$root/tests/program/collect.txt
expect 0 '^program forward\(x: f32\[2,4\], steps' show "$p"
expect 0 '' convert "$p" p.tdag
expect 0 '' convert p.tdag p.txt
"$tdag" show --full "$p" >want.txt
cmp -s p.txt want.txt || fail "the program differs: $(diff want.txt p.txt | head -5)"
expect 0 '^0 differences' diff p.tdag p.txt
sed 's/limit steps while/while/' p.txt >q.txt
expect 1 'statement +forward +4 +4 +spec' diff p.tdag q.txt
expect 1 '"part":.*"method"' diff --json p.tdag a.tdag
expect 3 'several statements, which tdag cuts does not take' cuts p.tdag
expect 3 'several statements, which tdag show --raised does not take' show --raised p.tdag
expect 0 '' simplify p.tdag o.tdag
expect 3 'takes 2 inputs, 1 given' show p.tdag -i 'f32[2,4]'
expect 0 '^program' show p.tdag -i 'f32[2,4]' -i 'i64[]'
expect 0 '^call 3' verify p.tdag p.txt --calls 3
expect 0 'ok' verify p.tdag p.txt --engine native,reference
expect 2 'number from 1 on' verify p.tdag p.txt --calls 0
expect 3 'several statements' verify p.tdag p.txt --first

# ---- state: a sum that each call adds to ----
cat >sum.txt <<'END'
tdag 2
graph add_up {
  s: f32[3] = input
  x: f32[3] = input
  y: f32[3] = add(s, x)
  return y
}
state sum: f32[3] = [0, 0, 0]
program forward(x: f32[3]) -> (f32[3]) {
  s = read sum
  y = call add_up(s, x)
  write sum y
  return y
}
program total() -> (f32[3]) {
  s = read sum
  return s
}
END
printf '\070\0\0\0\0\0\0\0{"x":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}} ' >x.safetensors
printf '\0\0\200\077\0\0\200\077\0\0\0\100' >>x.safetensors
last() { tail -c 4 "$1" | od -An -tf4 | tr -d ' '; }
for engine in native reference; do
    rm -f s.safetensors
    for sum in 2 4 6; do
        expect 0 '' run sum.txt --in x.safetensors --out y.safetensors --state s.safetensors --engine $engine
        [ "$(last y.safetensors)" = $sum ] || fail "$engine: $(last y.safetensors), not $sum"
        [ "$(last s.safetensors)" = $sum ] || fail "$engine: the state is $(last s.safetensors)"
    done
    expect 0 '' run sum.txt --method total --out y.safetensors --state s.safetensors --engine $engine
    [ "$(last y.safetensors)" = 6 ] || fail "$engine: $(last y.safetensors), not 6, in total"
done
expect 0 '' run sum.txt --in x.safetensors --out y.safetensors
[ "$(last y.safetensors)" = 2 ] || fail "without a state the initial one is taken"
expect 3 'no method later; it has forward, total' run sum.txt --method later --out y.safetensors
expect 3 'no state named x' run sum.txt --in x.safetensors --out y.safetensors --state x.safetensors
expect 3 'none.safetensors|directory' run sum.txt --in x.safetensors --out y.safetensors --state no/none.safetensors
expect 0 '^call 2' verify sum.txt sum.txt --calls 2 --engine native,reference
expect 0 'ok' verify sum.txt sum.txt --method total
expect 3 'the model is a program' convert p.tdag o.pt2
sed 's/yield c1; h1, t1/yield h1, t1/' p.txt >bad.txt
expect 3 'expected .;. here|byte [0-9]+' show bad.txt

# ---- identity ----
hash_of() {
    "$tdag" info "$@" --json | sed -n 's/^  "hash": "\([0-9a-f]*\)",$/\1/p'
}
[ "$(hash_of a.tdag | wc -c)" -eq 65 ] || fail "no hash of 64 digits"
[ "$(hash_of a.tdag)" = "$(hash_of model.txt)" ] || fail "the hash depends on the format"
expect 0 '"content_hash": "[0-9a-f]{64}"' info a.tdag --json --content-hash
[ "$("$tdag" info a.tdag --json | grep -o '"module": "[ab].scale", "hash": "[0-9a-f]*"' |
    sed 's/.*hash//' | sort -u | wc -l)" -eq 1 ] || fail "blocks of one structure differ"

# ---- what is no .tdag file ----
printf 'not a model' >no.tdag
expect 3 'no.tdag is no safetensors file or is cut' info no.tdag
: >empty.tdag
expect 3 'empty.tdag is no safetensors file: it has 0 bytes' info empty.tdag
head -c 200 a.tdag >cut.tdag
expect 3 'cut.tdag is no safetensors file or is cut' info cut.tdag
expect 3 'missing.tdag: No such file' info missing.tdag
sed 's|tdag/1|tdag/7|' a.tdag >later.tdag
expect 3 'later.tdag is of version 7 of the format; this library reads up to' show later.tdag
sed 's|multiply|multiplY|' a.tdag >unknown.tdag
expect 3 "there is no op 'multiplY'.*node y, module a.scale" info unknown.tdag
printf '\040\0\0\0\0\0\0\0{"__metadata__":{"format":"pt"}}' >other.safetensors
expect 3 'holds no model' info other.safetensors
expect 3 'cannot create|No such file' convert a.tdag nowhere/b.tdag
[ "$(ls | grep -c tmp)" -eq 0 ] || fail "temporary files are left: $(ls)"

finish
