#!/bin/sh
# What else happens to a member of a swarm: stopped for many rounds, started long after the others, on a full
# disk, on a broken one (ENOSPC, EIO from some write on). The others go on; the member says what is wrong,
# spoils nothing, and comes back.
#
#   swarm_faults.sh BIN [STEP]     every STEP-th call of each kind fails; without STEP, one of each kind
set -eu
BIN=$1
step=${2:-0}
sites="ana bea cleo dora"
# shellcheck source=tests/e2e/swarm.sh
. "$(dirname "$0")/swarm.sh"
export PANAL_HEARTBEAT=500ms # who is silent for 4 s is away

counts_from() { # NAME HEIGHT: a block from there on names all four
    sed -n 's/.*event=committed height=\([0-9]*\) .*updates=4 .*/\1/p' "$work/lab/$1/log" |
        awk -v from="$2" '$1 >= from { found = 1 } END { exit !found }'
}

# --- stopped for many rounds; and one that comes when the swarm is long under way
make_swarm_job 60 3 500
prepare_swarm
for site in ana bea cleo; do start_member $site; done
wait_for 60 has_block ana 2 || die "three of four do not begin"
start_member dora
wait_for 60 counts_from ana 3 || die "a member that came later does not count"
late=$(blocks_of ana)
kill -STOP "$(pid_of dora)"
wait_for 60 has_block ana $((late + 8)) || die "the others do not go on without one that is stopped"
here=$(blocks_of ana)
kill -CONT "$(pid_of dora)"
wait_for 60 counts_from ana "$here" || die "a member that was stopped does not count again"
end_swarm
models_of() { find "$work/lab/$1/state/models" -type f | wc -l; }
# All models stay in a laboratory; what a member fetches when it is back is the newest, not those on the way to it.
[ "$(models_of dora)" -le $(($(models_of ana) - 4)) ] ||
    die "dora holds $(models_of dora) of $(models_of ana) models: it has fetched old ones"
late_end="came at block $late, stopped until $here"

# --- a disk that is full, or broken
make_swarm_job 6 3 200
says_why() {
    grep -qiE 'no space left on|disk is full|input or output failed|Input/output error|disk I/O error|cannot be written|cannot write' \
        "$work/lab/$1/log"
}
faults=0
# dora_fails WHAT: it has ended, with a sentence; it is started again on a disk in order.
dora_ends() {
    wait_for 60 is_gone "$(pid_of dora)" || die "$1: dora neither ends nor dies"
    target=$(pid_of dora)
    ended=0
    wait "$target" 2>/dev/null || ended=$?
    [ "$ended" -lt 128 ] || die "$1: dora died of signal $((ended - 128))"
    left=""
    for pid in $nodes; do [ "$pid" = "$target" ] || left="$left $pid"; done
    nodes=$left
    [ "$ended" -ne 0 ] || return 1
    faults=$((faults + 1))
    says_why dora || die "$1: no sentence says why"
}
if [ "$(id -u)" -eq 0 ] && mkdir "$work/small" && mount -t tmpfs -o size=96k none "$work/small" 2>/dev/null; then
    at_end() { umount "$work/small" 2>/dev/null || umount -l "$work/small"; }
    for room in 60k 96k 128k; do
        rm -rf "$work/small/state"
        mount -o "remount,size=$room" none "$work/small"
        prepare_swarm
        sed -i "s|^state: .*|state: $work/small/state|" "$work/lab/dora/node.yaml"
        start_swarm
        if dora_ends "a full disk ($room)"; then
            mount -o remount,size=16m none "$work/small"
            start_member dora
        fi
        sites="ana bea cleo"
        end_swarm
        sites="ana bea cleo dora"
        cp -r "$work/small/state" "$work/lab/dora/state"
        held=$(ledger_of dora)
        [ "$held" = "$(ledger_of ana)" ] || die "a full disk ($room): dora holds $held"
    done
    tried="$faults full disks"
else
    tried="no small disk may be mounted here"
fi
# faulty_run CALL N ERROR: false when dora ended before anything failed.
faulty_run() {
    what="$3 from $1 $2 on"
    prepare_swarm
    for site in ana bea cleo; do start_member $site; done
    start_member dora strace -D -f -qq -o "$work/strace" -e "trace=$1" -e "inject=$1:error=$3:when=$2+"
    failed=true
    dora_ends "$what" || failed=false
    start_member dora
    end_swarm
    $failed
}
if strace -f -e trace=none true 2>/dev/null; then
    turn=0
    for call in pwrite64 fsync fdatasync renameat mkdirat; do
        nth=1
        [ "$step" -gt 0 ] || nth=$((3 + turn * 3))
        error=ENOSPC
        [ $((turn % 2)) -eq 0 ] || error=EIO
        while faulty_run "$call" "$nth" "$error"; do
            nth=$((nth + step))
            [ "$step" -gt 0 ] || break
        done
        turn=$((turn + 1))
    done
    tried="$tried, $faults faults in all"
fi
[ "$faults" -ge 2 ] || die "only $faults faults happened"
echo "ok: $late_end; $tried"
