#!/bin/sh
# What reading a file does to the rest of the machine, seen by strace: no file is opened
# for writing, made, renamed or removed, no socket is opened, no program started.
# effects.sh TDAG FOLDER ROOT HOSTILE CORPUS
tdag=$1
root=$3
files=$4
corpus=$5
rm -rf "$2" && mkdir -p "$2" && cd "$2" || exit 1
if ! strace -o trace -f true 2>/dev/null; then
    echo "strace is not there or may not trace: skipped"
    exit 77
fi
failed=0
net=$root/tests/golden/net.txt
"$tdag" convert "$net" m.tdag && "$tdag" convert "$net" m.pt2 || exit 1
cp "$net" m.txt

calls='trace=open,openat,openat2,creat,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,link,linkat,symlink,symlinkat,truncate,ftruncate,socket,connect,execve,execveat,fork,vfork,kill'
fail() {
    failed=$((failed + 1))
    echo "FAILED: tdag $*"
}
# look COMMAND...: its status is told by $status; 124 after five seconds.
look() {
    timeout 5 strace -f --seccomp-bpf -o trace -e "$calls" "$tdag" "$@" >out 2>err
    status=$?
    # The first execve is the command itself; opening is fine when it is to read.
    if sed 1d trace | grep -v -E '^[0-9]+ +(\+\+\+|---)' |
        grep -v -E 'open(at)?2?\(.*O_RDONLY' | grep -q .; then
        fail "$*: $(sed 1d trace | grep -v 'O_RDONLY' | head -5)"
    fi
}
watch() {
    look "$@"
    [ "$status" -eq 0 ] || fail "$*: $(cat err)"
}

for file in m.txt m.tdag m.pt2; do
    for command in info show cuts; do
        watch $command $file
    done
    watch diff $file $file
    watch info $file --by node --json
done
# TorchScript is read without PyTorch: nothing of it is opened, not even to read.
for command in info show cuts; do
    watch $command "$root/examples/readme_model.pt" -i 'f32[10,20,30,48]'
    if grep -q -E "lib(torch|c10|tdagger_torch)[^/]*[.]so" trace; then
        fail "$command: $(grep -E "lib(torch|c10|tdagger_torch)[^/]*[.]so" trace | head -1)"
    fi
done
# What is no model, and what is damaged, ends the same way.
head -c 700 m.pt2 >cut.pt2
look info cut.pt2
[ "$status" -eq 3 ] || fail "info cut.pt2: $(cat err)"
# Hostile archives are read, or refused in a sentence, and nothing else.
seen=0
for file in "$files"/*.pt "$corpus"/*.pt; do
    look info "$file" -i 'f32[2]'
    case $status in
    0 | 124) ;; # one that takes what the limits allow is seen for a while
    3) [ "$(wc -l <err)" -eq 1 ] || fail "info $file: $(cat err)" ;;
    *) fail "info $file: status $status: $(head -c 300 err)" ;;
    esac
    seen=$((seen + 1))
done
[ "$seen" -ge 90 ] || fail "only $seen archives were there"
[ "$failed" -eq 0 ]
