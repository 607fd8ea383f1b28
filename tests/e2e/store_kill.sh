#!/bin/sh
# kill -9 before every write, fsync, rename ... of the store; then every one of them failing once.
# After each the store opens, and everything that was acknowledged is there and whole.
#
#   store_kill.sh STORE_WRITER     exit 77: skipped, because strace may not trace here
set -eu
writer=$1
calls="write pwrite64 fsync fdatasync ftruncate renameat renameat2 rename unlink unlinkat mkdir mkdirat openat"
base=/tmp
[ -w /dev/shm ] && base=/dev/shm
work=$(mktemp -d "$base/panal-kill-XXXXXX")
trap 'rm -rf "$work"' EXIT INT TERM
# LeakSanitizer cannot work under ptrace.
ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0"
export ASAN_OPTIONS

if ! strace -f -e trace=none true 2>/dev/null; then
    echo "SKIPPED: strace may not trace processes here; kill -9 of the store is not tested" >&2
    exit 77
fi

fail() {
    echo "store_kill: $*" >&2
    exit 1
}

# disturb CALLS WHAT N: one run with call number N disturbed; the status of the writer.
disturb() {
    code=0
    strace -f -o "$work/trace" -e "trace=$1" -e "inject=$1:$2:when=$3" \
        "$writer" write "$work/state" 2 >>"$work/said" 2>>"$work/errors" || code=$?
    return "$code"
}

verify() {
    "$writer" check "$work/state" <"$work/said" || fail "after $1: acknowledged writes are not there"
    rm -f "$work/errors"
}

# strace counts each system call by itself, so each has a loop of its own. "fresh" begins with no
# directory; in "kept" it lives on through all kills, so that each run recovers from the last one.
kills=0
kill_at_every() {
    n=1
    while [ "$n" -le 1000 ]; do
        if [ "$2" = fresh ]; then
            : >"$work/said"
            rm -rf "$work/state"
        fi
        code=0
        disturb "$1" signal=SIGKILL "$n" || code=$?
        [ "$code" -ne 0 ] || return 0
        [ "$code" -eq 137 ] || fail "kill at $1 $n ($2): the writer ended with $code"
        verify "kill at $1 $n ($2)"
        kills=$((kills + 1))
        n=$((n + 1))
    done
    fail "no end of $1"
}
for pass in fresh kept; do
    : >"$work/said"
    rm -rf "$work/state"
    for call in $calls; do
        kill_at_every "$call" "$pass"
    done
    verify "the undisturbed run ($pass)"
done
[ "$kills" -ge 100 ] || fail "only $kills kills: the calls are not what this script thinks"

# A call that fails is reported (exit 1) or made good (exit 0), and nothing acknowledged is lost.
failures=0
fail_at_every() {
    n=1
    hits=1
    while [ "$hits" -gt 0 ] && [ "$n" -le 1000 ]; do
        code=0
        disturb "$1" "error=$2" "$n" || code=$?
        [ "$code" -le 1 ] || fail "$1 with $2 at $n: the writer ended with $code"
        hits=$(grep -c INJECTED "$work/trace" || true)
        verify "$1 with $2 at $n"
        failures=$((failures + code))
        n=$((n + 1))
    done
}
: >"$work/said"
rm -rf "$work/state"
for call in fsync fdatasync renameat; do
    fail_at_every "$call" EIO
done
for call in write pwrite64; do
    fail_at_every "$call" ENOSPC
    fail_at_every "$call" EINTR
done
[ "$failures" -ge 20 ] || fail "only $failures failures were reported"
echo "store_kill: $kills kills and $failures failed writes survived"
