#!/bin/sh
# kill -9 of the coordinator and of a node just before their N-th write, fsync, rename ... (strace injection,
# security.md section 6): after a restart the run ends with the model of an undisturbed one, and the ledger
# verifies.
#
#   kill_writes.sh BIN [STEP]     before every STEP-th call of each kind, 1 = every one (nightly);
#                                 without STEP, before one of each kind
set -eu
BIN=$1
step=${2:-0}
# shellcheck source=tests/e2e/federation.sh
. "$(dirname "$0")/federation.sh"

strace -f -e trace=none true 2>/dev/null || skip "strace may not trace here, so writes cannot be injected"

make_job 2 3
expected=$(expected_model)
[ -n "$expected" ] || die "the simulator gives no model"
# strace counts every call of every thread by itself, so each has its own turn; and so has every place that
# the worker thread writes to, whose first calls would otherwise hide behind those of the main thread.
calls="mkdirat pwrite64 fsync fdatasync renameat unlinkat ftruncate write"
places="models updates scaling ledger/000000000000.seg"
all=pwrite64,fsync,fdatasync,renameat,unlinkat,ftruncate

# disturbed_run VICTIM TARGET N: false when the victim lived to the end.
disturbed_run() {
    victim=$1
    inject="strace -D -f -qq -o $work/strace"
    case $2 in
    */* | models | updates | scaling)
        inject="$inject -P $work/lab/$victim/state/$2 -e trace=$all -e inject=$all:signal=SIGKILL:when=$3"
        ;;
    *) inject="$inject -e trace=$2 -e inject=$2:signal=SIGKILL:when=$3" ;;
    esac
    what="$victim killed at $2 $3"
    prepare
    if [ "$victim" = hub ]; then
        # shellcheck disable=SC2086 # a command with its arguments
        start_hub $inject || true # it may die before it listens
        target=$hub
    else
        start_hub || die "the coordinator does not start"
    fi
    for site in $sites; do
        if [ "$site" = "$victim" ]; then
            # shellcheck disable=SC2086
            start_node "$site" $inject
            target=$node
        else
            start_node "$site"
        fi
    done
    wait_for 60 is_gone "$target" || die "$what: it neither ends nor dies"
    code=0
    wait "$target" 2>/dev/null || code=$?
    if [ "$code" -eq 137 ]; then
        if [ "$victim" = hub ]; then
            start_hub || die "$what: it does not start again"
        else
            start_node "$victim"
        fi
    elif [ "$code" -ne 0 ]; then
        die "$what: it ended with $code"
    fi
    if [ "$victim" = hub ] && [ "$code" -eq 0 ]; then hub=""; else end_hub; fi
    model=$(final_model)
    [ "$model" = "$expected" ] || die "$what: model $model, expected $expected"
    end_nodes "$target"
    [ "$code" -eq 137 ]
}

kills=0
for victim in hub ana; do
    for target_of_kill in $calls $places; do
        nth=1
        [ "$step" -gt 0 ] || nth=$((1 + kills % 6)) # not always the first
        while disturbed_run "$victim" "$target_of_kill" "$nth"; do
            kills=$((kills + 1))
            nth=$((nth + step))
            [ "$step" -gt 0 ] && [ "$nth" -lt 3000 ] || break
        done
    done
done
[ "$kills" -ge 10 ] || die "only $kills kills happened"
echo "ok: killed before $kills writes, always $expected"
