#!/bin/sh
# The examples on real data, for a few rounds: four hospitals as four daemons, and the digits of MNIST on ten
# sites in the simulator.
#
#   realdata.sh BIN     $PANAL_DATA: the folder of the datasets (default: ../shared/data beside the sources)
set -eu
BIN=$1
# shellcheck source=tests/e2e/federation.sh
. "$(dirname "$0")/federation.sh"

examples=$here/../../examples
PANAL_DATA=${PANAL_DATA:-$here/../../../shared/data}
export PANAL_DATA
for folder in heart-disease-4-hospitals mnist; do
    [ -d "$PANAL_DATA/$folder" ] ||
        skip "no $PANAL_DATA/$folder; PANAL_DATA must name the folder of the datasets to test on real data"
done

# at_least VALUE BOUND WHAT
at_least() {
    awk -v a="$1" -v b="$2" 'BEGIN { exit !(a != "" && a + 0 >= b + 0) }' ||
        die "$3: expected at least $2, seen \"$1\""
}

# --- heart: the files as published, `?` and -9 for what was not measured, no header
timeout 100 panal lab run "$examples/heart/job.yaml" --out "$work/lab" --json >"$work/result" 2>"$work/said" ||
    {
        cat "$work/said"
        die "the hospitals do not train"
    }
# score SITE HOW: its AUROC, out of JSON with one value a line.
score() {
    awk -v site="\"$1\"" -v how="\"$2\":" '
        $1 == "\"name\":" { here = $2 == site "," }
        here && $1 == how { found = 1 }
        here && found && $1 == "\"auroc\":" { sub(",", "", $2); print $2; exit }' "$work/lab/result.json"
}
cleveland=$(score cleveland federated)
at_least "$cleveland" 0.70 "AUROC at Cleveland, federated"
at_least "$cleveland" "$(score cleveland pooled | awk '{ print $1 - 0.03 }')" "AUROC at Cleveland, beside pooled"
at_least "$(score budapest federated)" 0.70 "AUROC at Budapest, federated"
cmp "$work/result" "$work/lab/result.json" || die "--json prints another result than result.json"
accepted panal ledger verify "$work/lab/hub/state" --roster "$work/lab/federation.yaml"
say_must "$work/said" "20 of 20 rounds recomputed"

# --- digits: three rounds
sed 's/count: 30/count: 3/' "$examples/digits/job.yaml" \
    >"$work/digits.yaml"
timeout 100 panal-sim run "$work/digits.yaml" --sites "$examples/digits/sites-iid.yaml" >"$work/said" 2>&1 ||
    {
        cat "$work/said"
        die "the digits do not train"
    }
accuracy=$(sed -n 's/^round 3.*accuracy \([0-9.]*\).*/\1/p' "$work/said")
at_least "$accuracy" 0.85 "accuracy on digits after three rounds"
echo "ok: AUROC $(printf '%.3f' "$cleveland") at Cleveland, accuracy $accuracy on digits"
