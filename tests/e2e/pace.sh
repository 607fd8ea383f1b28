#!/bin/sh
# Rounds by time: a laboratory ends in both modes, with a proved ledger and with a report that says that this run
# cannot be repeated; a node that is killed while it trains begins the round's time again. What a site's policy
# limits holds for them, too. In the simulator the same job gives the same model, and a slow machine fewer steps.
#
#   pace.sh BIN
set -eu
BIN=$1
sites="ana bea cleo dora"
# shellcheck source=tests/e2e/swarm.sh
. "$(dirname "$0")/swarm.sh"

# trainings NAME: how many, each with one step at least.
trainings() {
    ! grep -q "event=trained steps=0 " "$work/lab/$1/log" || die "$1 made no step"
    grep -c "event=trained steps=" "$work/lab/$1/log" || true
}

make_swarm_job 3 4
sed -i 's/epochs: 2/time: 300ms/' "$work/job.yaml"
panal job check "$work/job.yaml" >"$work/out"
say_must "$work/out" "cannot be repeated to the bit"
for mode in coordinator swarm; do
    panal lab run "$work/job.yaml" --sites "$work/sites.yaml" --out "$work/lab" --mode $mode >"$work/out" 2>&1 || {
        cat "$work/out"
        die "the laboratory failed in mode $mode"
    }
    say_must "$work/out" "ledger verified"
    say_must "$work/out" "of 3 aggregates recomputed"
    say_must "$work/lab/report.html" "cannot be repeated to the bit"
    say_must "$work/lab/result.json" '"repeatable": false'
    for site in $sites; do
        [ "$(trainings "$site")" -eq 3 ] || die "$site has $(trainings "$site") trainings in 3 rounds, mode $mode"
    done
done

# Killed in the second round's training, which lasts long enough for that.
sites="ana bea cleo"
make_job 3 3
sed -i 's/epochs: 2/time: 1500ms/' "$work/job.yaml"
prepare
printf 'policy: { epochs: 5, time: 1500ms }\n' >>"$work/lab/cleo/node.yaml"
start_hub
start_nodes
killed=$node
wait_for 60 grep -q 'event=committed height=1$' "$work/lab/cleo/log" || die "no first round"
kill -9 "$killed"
[ "$(trainings cleo)" -eq 1 ] || die "cleo was killed after its second training"
start_node cleo
end_hub
end_nodes "$killed"
[ "$(trainings cleo)" -eq 3 ] || die "cleo has $(trainings cleo) trainings in 3 rounds"
panal ledger verify "$work/lab/hub/state" --roster "$work/lab/federation.yaml" >"$work/out"
say_must "$work/out" "3 of 3"

# A site that limits epochs and says nothing of time does not join; the others have no quorum without it.
rm -rf "$work/lab"
prepare
printf 'policy: { epochs: 5 }\n' >>"$work/lab/cleo/node.yaml"
start_hub
start_nodes
wait_for 30 says "$work/lab/cleo/log" "allows at most 5 epochs a round, the job counts none" ||
    die "the policy of cleo says nothing"
kill -9 $hub $nodes
hub=""
nodes=""

# simulate [OPTION...]: "LEAST MOST MODEL", of the steps of a training.
simulate() {
    panal-sim run "$work/job.yaml" --sites "$work/sites.yaml" --json "$@" 2>/dev/null |
        sed -n 's/.*"\(steps_min\|steps_max\|model\)": *"\{0,1\}\([^",]*\).*/\2/p' | tr '\n' ' '
}
sed -i 's/time: 1500ms/time: 20ms/' "$work/job.yaml"
even=$(simulate)
sed -i 's/name: bea,/name: bea, slow: 20,/' "$work/sites.yaml"
slow=$(simulate)
[ "$(simulate --workers 1)" = "$slow" ] || die "one job, two simulations: $slow, and $(simulate --workers 1)"
# shellcheck disable=SC2086 # words
set -- $even $slow
[ "$1" = "$2" ] || die "machines of one speed make $1 to $2 steps"
off=$(($5 - 20 * $4)) # a batch at an epoch's end is smaller
[ "$5" = "$2" ] && [ "$off" -gt -40 ] && [ "$off" -lt 40 ] || die "20 times as slow, and $4 steps of $5"
[ "$3" != "$6" ] || die "the slow machine changed nothing"
sed -i 's/slow: 20,/slow: 0,/' "$work/sites.yaml"
refused 3 "slow: expected" panal-sim run "$work/job.yaml" --sites "$work/sites.yaml"
echo "ok: rounds by time end with and without a coordinator, also for a node killed in the middle"
