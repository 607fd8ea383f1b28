#!/bin/sh
# The README's "On machines of your own": three banks without a coordinator, from keys to a verified ledger on every
# member. Two can be dialled; the third only dials.
#
#   swarm_production.sh BIN
set -eu
BIN=$1
# shellcheck source=tests/e2e/federation.sh
. "$(dirname "$0")/federation.sh"
examples=$(cd "$(dirname "$0")/../../examples" && pwd)
echo "correct horse battery staple" >"$work/passphrase"
export PANAL_PASSPHRASE_FILE="$work/passphrase"

# 1. Keys where they are used; a join file says where its member is reached, if it is.
net=$(($$ % 200 + 20))
panal data generate --out "$work/data" --banks 3 --rows 2000 >/dev/null
for bank in a b c; do
    mkdir "$work/$bank"
    mv "$work/data/bank-$bank.csv" "$work/$bank/transactions.csv"
done
(cd "$work/a" && accepted panal keys create --name bank-a --organisation "Bank A" --endpoint "tcp://127.$net.0.1:7400")
(cd "$work/b" && accepted panal keys create --name bank-b --organisation "Bank B" --endpoint "tcp://127.$net.0.2:7400")
(cd "$work/c" && accepted panal keys create --name bank-c --organisation "Bank C")

# 2. One of them writes the roster; all sign it.
cd "$work/a"
cp ../b/keys/bank-b.join ../c/keys/bank-c.join keys/bank-a.join .
refused 3 "--endpoint" panal roster create --federation fraud-eu --mode swarm --endpoint tcp://127.0.0.1:7400 \
    bank-a.join bank-b.join bank-c.join
refused 3 "--quorum" panal roster create --federation fraud-eu --mode swarm --quorum half \
    bank-a.join bank-b.join bank-c.join
accepted panal roster create --federation fraud-eu --mode swarm bank-a.join bank-b.join bank-c.join
for bank in b c; do cp federation.yaml "../$bank"; done
for bank in a b c; do (cd "$work/$bank" && accepted panal roster sign federation.yaml --keys keys); done
for from in a b c; do
    for to in a b c; do
        [ "$from" = "$to" ] || cp "$work/$from/federation.yaml.bank-$from.minisig" "$work/$to"
    done
done
panal roster show federation.yaml >"$work/roster"
grep -q 'swarm, quorum bft: 3 of 3 members decide' "$work/roster" || die "the roster does not say who decides"
trust=$(awk '/^ *trust / { print $2 }' "$work/roster")

# 3. The same job everywhere; each site's own file.
sed 's/^rounds: .*/rounds: { count: 4, cohort: 3, quorum: 3 }/' "$examples/fraud/job.yaml" >"$work/job.yaml"
for bank in a b c; do
    cat >"$work/$bank/node.yaml" <<NODE
federation: federation.yaml
trust: $trust
keys: keys
state: state
job: ../job.yaml
data: { file: transactions.csv }
NODE
done

# 4. The daemons, and what everybody has in the end.
for bank in a b c; do
    (cd "$work/$bank" && exec panal-node --config node.yaml --once 2>log) &
    eval "pid_$bank=$!"
done
for bank in a b c; do
    eval "wait \$pid_$bank" || die "bank-$bank failed: $(tail -n 3 "$work/$bank/log")"
    panal ledger verify "$work/$bank/state" --roster federation.yaml >"$work/$bank/verified" ||
        die "the ledger of bank-$bank does not verify"
    [ "$(awk '/^ *head / { print $2 }' "$work/$bank/verified")" = "$(awk '/^ *head / { print $2 }' "$work/a/verified")" ] ||
        die "bank-$bank holds another ledger"
done
accepted panal ledger diff "$work/a/state" "$work/c/state" --roster federation.yaml
accepted panal ledger show "$work/b/state" --roster federation.yaml --round 2 --html "$work/ledger.html"
grep -q '<svg' "$work/ledger.html" || die "no picture of the chain"
echo "ok"
