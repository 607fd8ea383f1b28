#!/bin/sh
# kill -9 in a swarm: of the member that leads, in every phase of a height; of f members at once; of
# everybody. Where the quorum allows it the others go on; whoever comes back catches up and counts again; and
# where all must contribute the run ends with the model of an undisturbed one. And of members that were
# drawn for a round, of whom too many stay dead; and of more than the job's quorum bears.
#
#   swarm_kill.sh BIN
set -eu
BIN=$1
sites="ana bea cleo dora"
# shellcheck source=tests/e2e/swarm.sh
. "$(dirname "$0")/swarm.sh"
export PANAL_LOG_LEVEL=debug PANAL_HEARTBEAT=500ms # a line for every phase; who is silent for 4 s is away

# The leader of a height in its first view: who stands at its place, round and round.
leader_of() {
    # shellcheck disable=SC2086 # a list of names
    set -- "$1" $sites
    shift "$(($1 % ($# - 1) + 1))"
    echo "$1"
}
log_has() {
    grep -q -- "$2" "$work/lab/$1/log"
}

# --- the leader, in every phase; all must contribute, so nothing of it may be lost
make_swarm_job 7 4 1500 # a training takes about a tenth of a second
expected=$(expected_swarm_model)
prepare_swarm
start_swarm
kills=0
# kill_leader HEIGHT WORDS: as soon as they stand in the leader's log.
kill_leader() {
    leader=$(leader_of "$1")
    wait_for 60 log_has "$leader" "$2" || die "$leader does not come to \"$2\""
    ! kill_member "$leader" || kills=$((kills + 1))
    start_member "$leader"
}
kill_leader 0 'event=joined'                 # gathering
kill_leader 1 'event=height height=1'        # training
kill_leader 2 'event=trained'                # its update is made
kill_leader 3 'height=3 event=update'        # collecting
kill_leader 4 'height=4 event=proposed'      # proposing, voting
kill_leader 5 'event=committed height=5'     # committing
kill_leader 6 'event=height height=6'
end_swarm "$expected"
[ "$kills" -ge 5 ] || die "only $kills of the leaders were killed"

# --- everybody at once, three times
prepare_swarm
start_swarm
for height in 1 3 5; do
    wait_for 60 has_block "$first" $height || die "block $height does not come"
    for site in $sites; do ! kill_member "$site" || kills=$((kills + 1)); done
    start_swarm
done
end_swarm "$expected"

# --- before a write of a vote, of the votes for a block, of the block, of the highest mark
if strace -f -e trace=none true 2>/dev/null; then
    all=pwrite64,fsync,fdatasync,renameat
    any_gone() {
        # shellcheck disable=SC2086 # a list of names
        for site in $waiting; do ! is_gone "$(pid_of "$site")" || return 0; done
        return 1
    }
    # strace_member NAME FILE N: dies just before its N-th of these calls to the file.
    strace_member() {
        start_member "$1" strace -D -f -qq -o "$work/strace.$1" -P "$work/lab/$1/state/$2" -e "trace=$all" \
            -e "inject=$all:signal=SIGKILL:when=$3"
    }
    for turn in 1 2; do
        prepare_swarm
        strace_member ana vote $((turn * 3))
        strace_member bea certificate.1 "$turn"
        strace_member cleo ledger/000000000000.seg $((turn * 4))
        strace_member dora summit $((turn * 2))
        waiting=$sites # for whoever dies next: it is started again, and then stays
        until [ -z "$waiting" ]; do
            wait_for 60 any_gone || die "none of$waiting ends or dies"
            # shellcheck disable=SC2086 # a list of names
            for site in $waiting; do
                is_gone "$(pid_of "$site")" || continue
                ! kill_member "$site" || kills=$((kills + 1))
                waiting=$(echo " $waiting " | sed "s/ $site / /; s/^ *//; s/ *$//")
                start_member "$site"
            done
        done
        end_swarm "$expected"
    done
else
    echo "strace may not trace here: no kills before writes"
fi

# --- a quorum is enough: the others go on without f members, who catch up and count again
sites="ana bea cleo dora elia fina gala"
make_swarm_job 14 5 1500
prepare_swarm
start_swarm
wait_for 60 has_block ana 1 || die "block 1 does not come"
for site in cleo elia; do kill_member $site || die "$site was over already"; done # cleo leads block 2
gone=$(blocks_of ana)
wait_for 60 has_block ana $((gone + 1)) || die "the swarm does not go on without two of seven"
! has_block cleo $((gone + 1)) || die "cleo is dead, and yet it committed"
for site in cleo elia; do start_member $site; done
patience=120
end_swarm
grep -q 'event=committed .* updates=5 absent=2' "$work/lab/ana/log" || die "no block names two who were missing"
for site in cleo elia; do
    [ "$(grep -c "event=trained" "$work/lab/$site/log")" -ge 4 ] || die "$site came back and does not train again"
done
grep 'event=committed height=1[0-9] ' "$work/lab/ana/log" | grep -q 'updates=7' || die "who came back does not count again"

# --- fewer than the job's quorum: it says so, and goes on when they are back
sites="ana bea cleo dora"
make_swarm_job 4 3 1500
prepare_swarm
start_swarm
wait_for 60 has_block ana 1 || die "block 1 does not come"
for site in cleo dora; do kill_member $site || die "$site was over already"; done
# Too few updates, or, when one of the dead had given its own before, too few to agree.
wait_for 60 log_has ana "event=waits text=.*\\(the job's quorum is 3\\|3 must agree\\)" ||
    die "it does not say what it waits for"
for site in cleo dora; do start_member $site; done
end_swarm

# --- members that were drawn for a round are dead, and stay so: others are drawn
sites="ana bea cleo dora elia fina gala"
make_swarm_job 6 3
sed -i 's/cohort: 7/cohort: 3/; s/train: 60s, collect: 60s/train: 10s, collect: 10s/' "$work/job.yaml"
prepare_swarm
start_swarm
wait_for 60 has_block ana 0 || die "block 0 does not come"
for site in cleo elia; do kill_member $site || die "$site was over already"; done
sites="ana bea dora fina gala"
end_swarm
grep -q 'event=draw draw=2' "$work/lab/ana/log" || die "nobody else was drawn"
panal ledger show "$work/lab/ana/state" --roster "$work/lab/federation.yaml" >"$work/shown"
grep -q 'round [1-6], attempt [23]' "$work/shown" || die "no block is of a further draw"
grep -Eq '(cleo|elia) +absent: silent' "$work/shown" || die "no block names who was missing"
echo "ok: $kills kills, always $expected; and two of seven that were away"
