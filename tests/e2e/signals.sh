#!/bin/sh
# SIGTERM ends coordinator and node soon and with 0, whatever they are doing; started again, they end the
# run with the model of an undisturbed one.
#
#   signals.sh BIN
set -eu
BIN=$1
# shellcheck source=tests/e2e/federation.sh
. "$(dirname "$0")/federation.sh"
export PANAL_LOG_LEVEL=debug # a line for every phase and every work

# ends_soon PID NAME: what it was training for would take five times as long.
ends_soon() {
    kill -TERM "$1" 2>/dev/null || true
    wait_for 5 is_gone "$1" || die "$2 does not end within 5 s after SIGTERM"
    code=0
    wait "$1" 2>/dev/null || code=$?
    [ "$code" -eq 0 ] || die "$2 ended with $code after SIGTERM"
    says "$work/lab/$2/log" "event=stopping" || die "$2 does not say that it stops"
}

comes() { grep -q "round=$1 .*phase=$2" "$work/lab/hub/log"; }

# --- before anything has begun, and while all wait for each other
make_job 1 3 1000000 # an epoch is 25 us
prepare
start_hub
start_node ana
ana=$node
wait_for 15 says "$work/lab/ana/log" "event=joined" || die "ana does not join"
ends_soon "$ana" ana
ends_soon "$hub" hub
nodes=""

# --- in the middle of a training that would take half a minute; and the coordinator while it waits
start_hub
start_nodes
for site in $sites; do
    wait_for 30 says "$work/lab/$site/log" "work=train" || die "$site does not train"
done
ends_soon "$hub" hub
# shellcheck disable=SC2086 # a list of numbers
set -- $nodes
ends_soon "$1" ana
ends_soon "$2" bea
ends_soon "$3" cleo
nodes=""

# --- stopped in every phase, the run ends as if nobody had touched it
make_job 8 3 4000
expected=$(expected_model)
[ -n "$expected" ] || die "the simulator gives no model"
prepare
start_hub
start_nodes
round=1
stops=0
for phase in train collect aggregate evaluate commit; do
    wait_for 30 comes "$round" "$phase" ||
        die "phase $phase does not come"
    ends_soon "$hub" hub
    stops=$((stops + 1))
    start_hub || die "the coordinator does not start again"
    if [ "$phase" = collect ]; then
        wait_for 30 says "$work/lab/bea/log" "round=3 event=work work=train" || die "bea does not train"
        # shellcheck disable=SC2086
        set -- $nodes
        ends_soon "$2" bea
        start_node bea
        nodes=" $1 $3 $node"
        stops=$((stops + 1))
    fi
    round=$((round + 1))
done
end_hub
end_nodes
model=$(final_model)
[ "$model" = "$expected" ] || die "model $model, expected $expected"
echo "ok: stopped $stops times by SIGTERM, always with 0, and still $expected"
