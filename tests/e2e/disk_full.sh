#!/bin/sh
# A full disk and a broken one (ENOSPC, EIO from some write on), under the coordinator and under a node: a
# clear sentence, no false success, and with the disk in order again the run ends with the model of an
# undisturbed one.
#
#   disk_full.sh BIN [STEP]     every STEP-th call of each kind; without STEP, one of each kind
set -eu
BIN=$1
step=${2:-0}
# shellcheck source=tests/e2e/federation.sh
. "$(dirname "$0")/federation.sh"

make_job 2 3
expected=$(expected_model)
[ -n "$expected" ] || die "the simulator gives no model"
calls="pwrite64 fsync fdatasync renameat mkdirat"
faults=0

# says_why LOG: somebody can read what is wrong with which disk.
says_why() {
    grep -qiE 'no space left on|disk is full|input or output failed|Input/output error|disk I/O error|cannot be written|cannot write' "$1"
}

# mend NAME: the disk is in order again, and the run goes on to its end.
mend() {
    if [ "$1" = hub ]; then
        start_hub || die "$what: the coordinator does not start on a disk in order"
    else
        start_node "$1"
    fi
    end_hub
    model=$(final_model)
    [ "$model" = "$expected" ] || die "$what: model $model, expected $expected"
}

# faulty_run VICTIM CALL N ERROR: false when the run ended before anything failed.
faulty_run() {
    victim=$1
    what="$4 from $2 $3 on at $1"
    inject="strace -D -f -qq -o $work/strace -e trace=$2 -e inject=$2:error=$4:when=$3+"
    prepare
    if [ "$victim" = hub ]; then
        # shellcheck disable=SC2086 # a command with its arguments
        start_hub $inject || true
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
    # The coordinator ends; a node may also stay and report what it could not do.
    log=$work/lab/$victim/log
    if [ "$victim" = hub ]; then
        wait_for 60 is_gone "$target" || die "$what: the coordinator goes on"
    else
        wait_for 60 is_gone_or_faulty "$target" "$log" || die "$what: the node neither ends nor reports"
        kill -TERM "$target" 2>/dev/null || true
        wait_for 10 is_gone "$target" || die "$what: the node does not stop"
    fi
    ended=0
    wait "$target" 2>/dev/null || ended=$?
    if ! grep -q INJECTED "$work/strace"; then
        [ "$ended" -eq 0 ] || die "$what: nothing failed, and yet it ended with $ended"
        [ "$victim" != hub ] || hub=""
        [ -z "$hub" ] || end_hub
        end_nodes "$target"
        return 1
    fi
    [ "$ended" -lt 128 ] || die "$what: it died of signal $((ended - 128))"
    faults=$((faults + 1))
    [ "$victim" != hub ] || hub=""
    if [ "$ended" -eq 0 ] && says "$log" "event=end outcome=done"; then
        # All was durable; what failed came after it, like SQLite's tidying when it closes. Or it was said.
        [ "$(grep -c INJECTED "$work/strace")" -le 4 ] || says_why "$log" ||
            die "$what: a false success, and no sentence says what failed"
        [ -z "$hub" ] || end_hub
        model=$(final_model)
        [ "$model" = "$expected" ] || die "$what: it said that the run is done, but the model is $model"
    else
        [ "$victim" != hub ] || [ "$ended" -ne 0 ] || die "$what: the coordinator ended with 0"
        says_why "$log" || die "$what: no sentence says why"
        mend "$victim"
    fi
    end_nodes "$target"
}
is_gone_or_faulty() {
    is_gone "$1" || grep -q "event=fault" "$2"
}

# --- a disk that is really full, where we may make one: nothing in between but the kernel
tried=""
if [ "$(id -u)" -eq 0 ] && mkdir "$work/small" && mount -t tmpfs -o size=96k none "$work/small" 2>/dev/null; then
    at_end() { umount "$work/small" 2>/dev/null || umount -l "$work/small"; }
    for victim in hub ana; do
        what="a full disk at $victim"
        # Room for the start, and then for less and less of what follows.
        for room in 60k 80k 96k 128k; do
            prepare
            rm -rf "$work/small/state"
            mount -o "remount,size=$room" none "$work/small"
            sed -i "s|^state: .*|state: $work/small/state|" "$work/lab/$victim"/*.yaml
            log=$work/lab/$victim/log
            if [ "$victim" = hub ]; then
                start_hub || true
                start_nodes
                wait_for 60 is_gone "$hub" || die "$what ($room): the coordinator goes on"
                target=$hub
            else
                start_hub
                start_nodes
                # shellcheck disable=SC2086 # a list of numbers
                set -- $nodes
                target=$1
                wait_for 60 is_gone_or_faulty "$target" "$log" || die "$what ($room): the node says nothing"
                kill -TERM "$target" 2>/dev/null || true
                wait_for 10 is_gone "$target" || die "$what ($room): the node does not stop"
            fi
            ended=0
            wait "$target" 2>/dev/null || ended=$?
            [ "$ended" -lt 128 ] || die "$what ($room): it died of signal $((ended - 128))"
            if says_why "$log"; then
                faults=$((faults + 1))
                [ "$victim" != hub ] || [ "$ended" -ne 0 ] || die "$what ($room): it ended with 0"
                mount -o remount,size=16m none "$work/small"
                [ "$victim" != hub ] || hub=""
                if [ "$victim" = hub ]; then start_hub; else start_node ana; fi
                end_hub
            elif [ "$victim" = hub ]; then
                hub=""
            else
                end_hub
            fi
            end_nodes "$target"
            state=$work/lab/hub/state
            [ "$victim" != hub ] || state=$work/small/state
            model=$(panal ledger verify "$state" --roster "$work/lab/federation.yaml" --json |
                sed -n 's/.*"model": *"\([^"]*\)".*/\1/p')
            [ "$model" = "$expected" ] || die "$what ($room): model $model, expected $expected"
        done
    done
    [ "$faults" -ge 2 ] || die "the small disks were never full"
    tried="$faults full disks, "
fi

# --- and every kind of call failing from its N-th on
injected=$faults
if strace -f -e trace=none true 2>/dev/null; then
    for victim in hub ana; do
        turn=0
        for call in $calls; do
            nth=1
            [ "$step" -gt 0 ] || nth=$((3 + turn * 2))
            error=ENOSPC
            [ $((turn % 2)) -eq 0 ] || error=EIO
            while faulty_run "$victim" "$call" "$nth" "$error"; do
                nth=$((nth + step))
                [ "$step" -gt 0 ] || break
            done
            turn=$((turn + 1))
        done
    done
    tried="${tried}strace: $((faults - injected)) failing calls"
    [ "$faults" -gt "$injected" ] || die "nothing was injected"
elif [ -z "$tried" ]; then
    skip "neither strace may trace here nor may we mount a small disk"
fi
echo "ok: $tried; always a reason, and $expected in the end"
