#!/bin/sh
# What reading a file does to the rest of the machine, seen by strace: no file is opened
# for writing, made, renamed or removed, no socket is opened, no program started.
# effects.sh TDAG FOLDER ROOT
tdag=$1
root=$3
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
watch() {
    strace -f -o trace -e "$calls" "$tdag" "$@" >out 2>err || {
        failed=$((failed + 1))
        echo "FAILED: tdag $*: $(cat err)"
    }
    # The first execve is the command itself; opening is fine when it is to read.
    if sed 1d trace | grep -v -E '^[0-9]+ +(\+\+\+|---)' |
        grep -v -E 'open(at)?2?\(.*O_RDONLY' | grep -q .; then
        failed=$((failed + 1))
        echo "FAILED: tdag $*:"
        sed 1d trace | grep -v 'O_RDONLY' | head -5
    fi
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
    if grep -q -i torch.*[.]so trace; then
        failed=$((failed + 1))
        echo "FAILED: tdag $command: $(grep -i torch.*[.]so trace | head -1)"
    fi
done
# What is no model, and what is damaged, ends the same way.
head -c 700 m.pt2 >cut.pt2
strace -f -o trace -e "$calls" "$tdag" info cut.pt2 >out 2>err
[ $? -eq 3 ] || { failed=$((failed + 1)); echo "FAILED: cut.pt2: $(cat err)"; }
[ "$failed" -eq 0 ]
