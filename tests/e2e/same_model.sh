#!/bin/sh
# One job, three places: simulator, laboratory and daemons by hand end with the same model, to the bit; the
# ledger proves it on the coordinator's and on every node's copy; Python reads the same numbers.
#
#   same_model.sh BIN
set -eu
BIN=$1
# shellcheck source=tests/e2e/federation.sh
. "$(dirname "$0")/federation.sh"

make_job 4 3
expected=$(expected_model)
[ -n "$expected" ] || die "the simulator gives no model"

panal lab run "$work/job.yaml" --sites "$work/sites.yaml" --out "$work/lab" --no-compare >"$work/out" 2>&1 ||
    { cat "$work/out"; die "the laboratory failed"; }
[ "$(final_model)" = "$expected" ] || die "laboratory and simulator end with different models"
say_must "$work/out" "ledger verified"
[ -s "$work/lab/model.safetensors" ] && [ -s "$work/lab/report.html" ] || die "model or report is missing"

# Again, over the older one.
panal lab run "$work/job.yaml" --sites "$work/sites.yaml" --out "$work/lab" --no-compare >"$work/out" 2>&1 ||
    { cat "$work/out"; die "the second laboratory failed"; }
[ "$(final_model)" = "$expected" ] || die "a second run ends with another model"

for site in $sites; do
    panal ledger verify "$work/lab/$site/state" --roster "$work/lab/federation.yaml" >"$work/out" ||
        { cat "$work/out"; die "the ledger copy of $site does not verify"; }
done
panal ledger show "$work/lab/hub/state" --roster "$work/lab/federation.yaml" >"$work/out"
say_must "$work/out" "round 4"
panal model show "$work/lab/model.safetensors" >"$work/out"
say_must "$work/out" "h.weight"

if command -v python3 >/dev/null; then
    numbers=$("$here/safetensors_check.py" "$work/lab/model.safetensors" "$work/lab/hub/state") ||
        die "model.safetensors has other numbers than the model: $numbers"
else
    numbers="no python3, so the numbers of model.safetensors were not compared"
fi

prepare
start_hub
start_nodes
end_hub
end_nodes
[ "$(final_model)" = "$expected" ] || die "daemons by hand end with another model"

echo "ok: $expected in simulator, laboratory and by hand; $numbers"
