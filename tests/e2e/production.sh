#!/bin/sh
# The README's "For real", step by step: two banks and a consortium's office, each with a folder of its own,
# keys sealed with a passphrase, a roster signed by both banks, daemons in the foreground that stop on SIGTERM.
#
#   production.sh BIN
set -eu
BIN=$1
# shellcheck source=tests/e2e/federation.sh
. "$(dirname "$0")/federation.sh"
examples=$(cd "$(dirname "$0")/../../examples" && pwd)
echo "correct horse battery staple" >"$work/passphrase"
export PANAL_PASSPHRASE_FILE="$work/passphrase"
choose_port
mkdir "$work/a" "$work/b" "$work/office"

# 1. Each organisation makes its keys where they are used.
(cd "$work/a" && accepted panal keys create --name bank-a --organisation "Bank A")
(cd "$work/b" && accepted panal keys create --name bank-b --organisation "Bank B")
(cd "$work/office" && accepted panal keys create --name hub --organisation "Consortium office" \
    --role coordinator)
grep -q '^sealed ' "$work/a/keys/root.key" || die "the root key is not sealed"
[ "$(stat -c %a "$work/a/keys/node.key")" = 600 ] || die "others may read the node key"

# 2. The office writes the roster.
cp "$work/a/keys/bank-a.join" "$work/b/keys/bank-b.join" "$work/office/keys/hub.join" "$work/office"
(
    cd "$work/office"
    accepted panal keys show bank-a.join
    accepted panal roster create --federation fraud-eu --endpoint "tcp://127.0.0.1:$port" \
        hub.join bank-a.join bank-b.join
)

# 3. The banks check and sign it; before both did, it is worth nothing.
for bank in a b; do cp "$work/office/federation.yaml" "$work/$bank"; done
(cd "$work/a" && accepted panal roster sign federation.yaml --keys keys)
(cd "$work/a" && refused 5 "signature" panal roster show federation.yaml)
(cd "$work/b" && accepted panal roster sign federation.yaml --keys keys)
for to in a b office; do
    cp "$work/a/federation.yaml.bank-a.minisig" "$work/b/federation.yaml.bank-b.minisig" "$work/$to" \
        2>/dev/null || true
done
trust=$(panal roster show "$work/office/federation.yaml" | awk '/^ *trust / { print $2 }')
[ -n "$trust" ] || die "no fingerprint"

# 4. Each node says where its data is and what it allows.
panal data generate --out "$work/data" --banks 2 --rows 2000 >/dev/null
sed 's/^rounds: .*/rounds: { count: 4, cohort: 2, quorum: 2 }/' "$examples/fraud/job.yaml" >"$work/office/job.yaml"
for bank in a b; do
    mv "$work/data/bank-$bank.csv" "$work/$bank/transactions.csv"
    cat >"$work/$bank/node.yaml" <<NODE
federation: federation.yaml
trust: $trust
keys: keys
state: state
data: { file: transactions.csv }
policy: { cohort: 2, records: 500 }
NODE
done
(
    cd "$work/a"
    accepted panal job check ../office/job.yaml
    accepted panal data check ../office/job.yaml --config node.yaml
)

# 5. The office runs the job; the nodes are daemons that would go on to wait.
cd "$work/office"
panal-coordinator --trust "$trust" --state state 2>log &
hub=$!
for bank in a b; do
    cd "$work/$bank"
    panal-node --config node.yaml 2>log &
    nodes="$nodes $!"
done
cd "$work"
end_hub
for pid in $nodes; do
    kill -TERM "$pid"
    wait_for 5 is_gone "$pid" || die "a node does not stop on SIGTERM"
    wait "$pid" || die "a node ended with $? after SIGTERM"
done
nodes=""

# 6. Anybody proves it afterwards, from either side's files.
for state in office/state a/state; do
    accepted panal ledger verify "$work/$state" --roster "$work/office/federation.yaml"
    say_must "$work/said" "ledger verified: 6 blocks, 4 rounds, the run is closed"
done
accepted panal ledger show "$work/office/state" --roster "$work/office/federation.yaml"
accepted panal model export "$work/office/state" --out "$work/model.safetensors"
[ -s "$work/model.safetensors" ] && [ -s "$work/model.features.json" ] || die "the export is not whole"
echo "ok: two banks and an office, from keys to proof"
