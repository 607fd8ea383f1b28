#!/bin/sh
# Five members, of whom two can only dial: what these two say to each other is forwarded by a third. All five take part
# in every round, and the model is the one of a swarm in which everybody reaches everybody; also when the forwarder is
# killed with -9, whether it comes back or not.
#
#   swarm_relay.sh BIN
set -eu
BIN=$1
sites="ana bea cleo dora elia"
# shellcheck source=tests/e2e/swarm.sh
. "$(dirname "$0")/swarm.sh"
export PANAL_HEARTBEAT=500ms

# dora and elia have no address.
prepare_dialling() {
    prepare_swarm
    sign_roster '/name: (dora|elia)$/,/certificate:/{/endpoint:/d}'
    [ "$(grep -c 'endpoint: "tcp' "$work/lab/federation.yaml")" -eq 3 ] || die "the roster has other endpoints"
}
# forwarder_of NAME OTHER: who forwards between them, as the newest line of NAME says.
forwarder_of() {
    sed -n "s/.*event=connected member=$2 via=\\([a-z]*\\).*/\\1/p" "$work/lab/$1/log" | tail -n 1
}
# all_contribute NAME: every round in its ledger has the updates of all five.
all_contribute() {
    grep 'event=committed' "$work/lab/$1/log" | grep -v 'height=0 \|updates=0 ' >"$work/rounds"
    [ "$(wc -l <"$work/rounds")" -eq "$rounds" ] || die "$1 committed $(wc -l <"$work/rounds") rounds"
    ! grep -v 'updates=5 absent=0' "$work/rounds" || die "a round of $1 is not by all five"
}

# --- every round needs all five
rounds=6
make_swarm_job $rounds 5 500
expected=$(expected_swarm_model)
prepare_dialling
start_swarm
end_swarm "$expected"
for site in $sites; do all_contribute "$site"; done
[ -n "$(forwarder_of dora elia)" ] || die "dora does not speak with elia through anybody"

# --- the forwarder is killed and started again: nothing is lost
make_swarm_job $rounds 5 1500
expected=$(expected_swarm_model)
prepare_dialling
start_swarm
wait_for 60 has_block dora 2 || die "block 2 does not come"
by=$(forwarder_of dora elia)
kill_member "$by" || die "$by ended before it was killed"
sleep 2
start_member "$by"
end_swarm "$expected"
all_contribute dora

# --- it stays away: the other four are just enough to decide, and two of them speak through the next one
make_swarm_job 12 4 1500
prepare_dialling
start_swarm
wait_for 60 has_block dora 2 || die "block 2 does not come"
by=$(forwarder_of dora elia)
last=$(blocks_of dora)
kill_member "$by" || die "$by ended before it was killed"
for site in dora elia; do
    wait_for 90 has_block "$site" $((last + 4)) || die "without its forwarder $site does not go on from $last blocks"
done
other=$(forwarder_of dora elia)
[ "$other" != "$by" ] || die "dora speaks with elia through $by, which is dead"
start_member "$by"
patience=120 end_swarm
echo "ok: through $by, then through $other"
