#!/bin/sh
# A swarm's ledger as people use it: what `panal ledger verify` can still say of rounds whose updates are gone.
#
#   swarm_ledger.sh BIN
set -eu
BIN=$1
sites="ana bea cleo dora"
# shellcheck source=tests/e2e/swarm.sh
. "$(dirname "$0")/swarm.sh"
lab=$work/lab

# --- four members, of whom each keeps something else
make_swarm_job 5 4
prepare_swarm
sed -i 's/^keep-updates: 0/keep-updates: 1\nkeep-models: 0/' "$lab/ana/node.yaml"
sed -i 's/^keep-updates: 0/keep-updates: 1\nkeep-models: 4/' "$lab/bea/node.yaml"
sed -i '/^keep-updates: 0/d' "$lab/cleo/node.yaml"
start_swarm
end_swarm

# rounds_of NAME: how many were recomputed, spot-checked, and by hash only.
rounds_of() {
    panal ledger verify "$lab/$1/state" --roster "$lab/federation.yaml" --json |
        sed -n 's/.*"aggregates_[a-z_]*": *\([0-9]*\).*/\1/p' | tr '\n' ' '
}
keeps() {
    [ "$(rounds_of "$1")" = "$2 " ] || die "$1 should keep $2, and keeps $(rounds_of "$1")"
}
keeps ana "0 5 0" # "rounds" are blocks: the finish block is the newest
keeps bea "0 2 3"
keeps cleo "1 0 4"
keeps dora "5 0 0"
accepted panal ledger verify "$lab/ana/state" --roster "$lab/federation.yaml"
say_must "$work/said" "0 of 5 rounds recomputed"
say_must "$work/said" "5 spot-checked: updates are no longer kept"
accepted panal ledger verify "$lab/bea/state" --roster "$lab/federation.yaml"
say_must "$work/said" "3 by hash only: a model before or after them is no longer kept"
echo "ok: each ledger says what it can still prove"
