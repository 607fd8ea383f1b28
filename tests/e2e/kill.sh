#!/bin/sh
# kill -9 of the coordinator and of a node, in every phase of a run: after a restart the run ends with the
# model of an undisturbed one, and the ledger verifies.
#
#   kill.sh BIN [STEP]     STEP: kill after every STEP-th log line of the victim (default 5)
set -eu
BIN=$1
step=${2:-5}
# shellcheck source=tests/e2e/federation.sh
. "$(dirname "$0")/federation.sh"

export PANAL_LOG_LEVEL=debug # a line for every phase and every work
make_job 3 3
expected=$(expected_model)
[ -n "$expected" ] || die "the simulator gives no model"

lines_of() { wc -l <"$work/lab/$1/log"; }
has_lines() { [ "$(lines_of "$1")" -ge "$2" ]; }

# Kills `victim` once its log has `count` lines; false when the run was over before.
disturbed_run() {
    victim=$1
    count=$2
    prepare
    start_hub
    for site in $sites; do
        start_node "$site"
        [ "$site" != "$victim" ] || target=$node
    done
    [ "$victim" != hub ] || target=$hub
    tries=0
    until has_lines "$victim" "$count"; do
        tries=$((tries + 1))
        is_gone "$target" && break
        [ "$tries" -lt 1200 ] || die "the log of $victim stays short"
        sleep 0.01
    done
    kill -9 "$target" 2>/dev/null || true
    code=0
    wait "$target" 2>/dev/null || code=$?
    killed=false
    if [ "$code" -eq 137 ]; then
        killed=true
        if [ "$victim" = hub ]; then start_hub; else start_node "$victim"; fi
    fi
    end_hub
    model=$(final_model)
    [ "$model" = "$expected" ] || die "$victim killed after $count lines: model $model, expected $expected"
    end_nodes "$target"
    $killed
}

kills=0
for victim in hub ana; do
    count=1
    while disturbed_run "$victim" "$count"; do
        kills=$((kills + 1))
        count=$((count + step))
        [ "$count" -lt 200 ] || break
    done
done
[ "$kills" -ge 6 ] || die "only $kills kills happened"
echo "ok: $kills kills, always $expected"
