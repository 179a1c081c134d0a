# Checks of the tests of the command; sourced with $tdag set, in an empty folder.
failed=0
checks=0

fail() {
    failed=$((failed + 1))
    echo "FAILED: $*"
}

# expect STATUS PATTERN ARGUMENT...: runs the command; standard output and error together
# must match the extended regular expression somewhere. Errors are one line that says so.
expect() {
    want=$1 pattern=$2
    shift 2
    checks=$((checks + 1))
    "$tdag" "$@" >out 2>err </dev/null
    got=$?
    [ $got -eq "$want" ] || fail "tdag $*: status $got, not $want: $(cat err)"
    [ -z "$pattern" ] || cat out err | grep -E -q -e "$pattern" ||
        fail "tdag $*: no \"$pattern\" in: $(cat out err | head -5)"
    if [ "$want" -ge 2 ] && { [ "$(grep -c . err)" -ne 1 ] ||
        ! grep -q '^tdag: error: ' err; }; then
        fail "tdag $*: not one line of error: $(cat err)"
    fi
    if [ "$want" -lt 2 ] && [ -s err ]; then
        fail "tdag $*: said on standard error: $(head -3 err)"
    fi
    grep -q "Sanitizer" err && fail "tdag $*: $(head -5 err)"
    return 0
}

finish() {
    echo "$checks commands, $failed failed checks"
    [ $failed -eq 0 ]
}
