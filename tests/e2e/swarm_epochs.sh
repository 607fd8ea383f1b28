#!/bin/sh
# The members of a swarm change while it runs: one joins, one renews its keys, one is revoked. What was agreed on before stays
# verifiable, with the first roster and with the last.
#
#   swarm_epochs.sh BIN
set -eu
BIN=$1
# shellcheck source=tests/e2e/federation.sh
. "$(dirname "$0")/federation.sh"
find_verifier
root=$(cd "$(dirname "$0")/../.." && pwd)
net=$(($$ % 200 + 20))
panal data generate --out "$work/data" --banks 5 --rows 2000 >/dev/null
sed 's/^rounds: .*/rounds: { count: 4000, cohort: 5, quorum: 3, invite: 1s }/; /^stop/d' "$root/examples/fraud/job.yaml" >"$work/job.yaml"
for bank in a b c d e; do
    mkdir "$work/$bank"
    mv "$work/data/bank-$bank.csv" "$work/$bank/transactions.csv"
done
make_keys() { # make_keys BANK NUMBER
    (cd "$work/$1" && accepted panal keys create --name "bank-$1" --organisation "Bank $1" --sealed=no \
        --endpoint "tcp://127.$net.0.$2:7400")
}
make_keys a 1
make_keys b 2
make_keys c 3
make_keys d 4
make_keys e 5

# sign SIGNERS...: these sign the roster in $work/roster.
sign() {
    for signer in "$@"; do
        accepted panal roster sign "$work/roster/federation.yaml" --keys "$work/$signer/keys" --name "bank-$signer"
    done
}
# give BANKS...: it becomes these banks' federation.yaml.
give() {
    for bank in "$@"; do
        rm -f "$work/$bank"/federation.yaml*
        cp "$work/roster"/federation.yaml* "$work/$bank"
    done
}
# next_epoch OPTIONS...: the epoch after the one in $work/roster, unsigned.
next_epoch() {
    accepted panal roster next "$work/roster/federation.yaml" "$@"
    rm -f "$work/roster"/*.minisig
}
start() { # start BANK
    (cd "$work/$1" && exec panal-node --config node.yaml 2>>log) &
    eval "pid_$1=$!"
    nodes="$nodes $!"
}
# hears BANK WORDS: its log says them before long.
hears() {
    waited=0
    until grep -qF -- "$2" "$work/$1/log"; do
        waited=$((waited + 1))
        [ "$waited" -lt 300 ] || {
            tail -n 20 "$work/$1/log"
            die "bank-$1 does not say: $2"
        }
        sleep 0.1
    done
}
# grows BANK: its ledger gets three more blocks.
grows() { gets "$1" event=committed 3; }
# gets BANK WORDS N: so many lines more in its log than there are now.
gets() {
    before=$(grep -cF -- "$2" "$work/$1/log" || true)
    waited=0
    until [ "$(grep -cF -- "$2" "$work/$1/log")" -ge $((before + $3)) ]; do
        waited=$((waited + 1))
        [ "$waited" -lt 600 ] || {
            tail -n 20 "$work/$1/log"
            die "bank-$1 does not say $3 times more: $2"
        }
        sleep 0.1
    done
}

# 1. Four banks; three of them must sign a roster.
mkdir "$work/roster"
accepted panal roster create --federation fraud-eu --mode swarm --threshold 3 --out "$work/roster/federation.yaml" \
    "$work/a/keys/bank-a.join" "$work/b/keys/bank-b.join" "$work/c/keys/bank-c.join" "$work/d/keys/bank-d.join"
sign a b c
give a b c d
cp -r "$work/roster" "$work/first"
trust=$(panal roster show "$work/roster/federation.yaml" | awk '/^ *trust / { print $2 }')
for bank in a b c d e; do
    cat >"$work/$bank/node.yaml" <<NODE
federation: federation.yaml
trust: $trust
keys: keys
state: state
job: ../job.yaml
data: { file: transactions.csv }
heartbeat: 250ms
NODE
done
for bank in a b c d; do start $bank; done
grows a

# 2. Bank e joins. Two signatures are too few; with three, one member that has the roster is enough.
next_epoch --add "$work/e/keys/bank-e.join"
sign a b
give a
kill -HUP "$pid_a"
hears a "not proposed"
sign c
give a e
: >"$work/a/federation.yaml.bank-d.minisig" # an empty file signs nothing, and spoils nothing
trust=$(panal roster show "$work/roster/federation.yaml" | awk '/^ *trust / { print $2 }')
sed -i "s|^trust: .*|trust: $trust|" "$work/e/node.yaml"
start e
kill -HUP "$pid_a"
for bank in a b c d; do hears $bank "event=epoch epoch=2"; done
hears e "event=trained"
grows e

# 3. Bank b renews its keys and bank d is revoked, in one epoch that c brings; b takes the new keys by itself.
(cd "$work/b" && accepted panal keys renew keys/bank-b.join --keys keys)
(cd "$work/b" && refused 1 "exists already" panal keys renew keys/bank-b.join --keys keys)
next_epoch --add "$work/b/keys/next/bank-b.join" --remove bank-d
sign a b e
give c
kill -HUP "$pid_c"
for bank in a b c e; do hears $bank "event=epoch epoch=3"; done
wait "$pid_d" && die "bank-d goes on though it was revoked"
hears d "has no member with the keys of"
grows b

# 4. The revoked one comes back with what it had: it does not start, and nobody would listen.
refused 5 "this member has left, was revoked, or has other keys now" \
    panal-node --config "$work/d/node.yaml" --federation "$work/d/federation.yaml" --keys "$work/d/keys" \
    --state "$work/d/state" --job "$work/job.yaml"

# 5. kill -9 and a start with an old roster file: the ledger knows better.
kill -9 "$pid_a"
wait "$pid_a" || true
start a
grows a

# 6. Bank c renews its keys and is dead when that epoch begins: the others know it by its new keys only. It comes back by
# the roster that it was given.
cp -r "$work/c/keys" "$work/c/old"
(cd "$work/c" && accepted panal keys renew keys/bank-c.join --keys keys)
next_epoch --add "$work/c/keys/next/bank-c.join"
sign a c e
give a c
kill -9 "$pid_c"
wait "$pid_c" || true
kill -HUP "$pid_a"
for bank in a b e; do hears $bank "event=epoch epoch=4"; done
start c
hears c "trying by epoch 4"
gets c event=trained 2 # what it hears first are the blocks that it missed
grows a

# An epoch after which no round could have its quorum is not proposed.
cp -r "$work/roster" "$work/kept"
next_epoch --remove bank-b --remove bank-e
sign a b c
give a
kill -HUP "$pid_a"
hears a "fewer have taken part"
rm -r "$work/roster"
mv "$work/kept" "$work/roster"
give a

# 7. Everybody's ledger verifies, with the first roster and with the last, and says who came and went.
for bank in a b c e; do
    eval "kill \$pid_$bank"
    eval "wait \$pid_$bank" || die "bank-$bank did not stop cleanly: $(tail -n 3 "$work/$bank/log")"
done
nodes=""
for bank in a b c e; do
    for roster in first roster; do
        accepted panal ledger verify "$work/$bank/state" --roster "$work/$roster/federation.yaml"
        say_must "$work/said" "epochs       1 to 4, each signed by signers of the one before"
        accepted "$python" "$root/tools/verify.py" "$work/$bank/state" --roster "$work/$roster/federation.yaml"
    done
done
accepted panal ledger diff "$work/a/state" "$work/e/state" --roster "$work/roster/federation.yaml"
accepted panal ledger show "$work/c/state" --roster "$work/roster/federation.yaml"
for words in "epoch 2 of the roster is in force from block" "bank-e           joins" "epoch 3 of the roster" \
    "bank-b           has new keys" "bank-d           is no member any more"; do
    say_must "$work/said" "$words"
done
accepted panal ledger show "$work/c/state" --roster "$work/roster/federation.yaml" --json --html "$work/page.html"
for words in "<td>bank-e joins<br></td>" "bank-b has new keys<br>bank-d is no member any more<br>"; do
    say_must "$work/page.html" "$words"
done
say_must "$work/said" '"next_roster"'
grep -q '"member [0-9]' "$work/said" && die "whoever left has no name in the blocks that it voted for"
# Who has new keys contributed with them.
"$python" - "$work/said" <<'PY' || die "a member with new keys took part in nothing"
import json, sys
with open(sys.argv[1], encoding="utf-8") as shown:
    blocks = json.load(shown)["blocks"]
for epoch, bank in ((2, "bank-e"), (3, "bank-b"), (4, "bank-c")):
    assert any(bank in [m["name"] for m in b["took_part"]] for b in blocks if b["epoch"] == epoch), (epoch, bank)
signed = {b["next_roster"]["epoch"]: sorted(b["next_roster"]["signed_by"]) for b in blocks if "next_roster" in b}
assert signed[3] == ["bank-a", "bank-b", "bank-e"] and signed[4] == ["bank-a", "bank-c", "bank-e"], signed
PY
# What is proved to who has one roster only is of its epoch; a block of the first, and growth to now.
accepted panal ledger prove "$work/a/state" --roster "$work/first/federation.yaml" --block 3 --out "$work/third.json"
accepted panal ledger check "$work/third.json" --roster "$work/first/federation.yaml"
# The first block of an epoch, in which are the votes of the one before.
first_of_last=$(panal ledger show "$work/a/state" --roster "$work/roster/federation.yaml" |
    sed -n 's/^ *epoch 4 of the roster is in force from block \([0-9]*\) on.*/\1/p')
accepted panal ledger prove "$work/a/state" --roster "$work/roster/federation.yaml" --block "$first_of_last" --out "$work/one.json"
accepted panal ledger check "$work/one.json" --roster "$work/roster/federation.yaml"
say_must "$work/said" "block $first_of_last is in the ledger of"
refused 5 "give the roster of epoch 1" panal ledger check "$work/third.json" --roster "$work/roster/federation.yaml"
refused 5 "give the roster of epoch 1" panal ledger prove "$work/a/state" --roster "$work/roster/federation.yaml" --block 3
accepted panal ledger prove "$work/a/state" --roster "$work/roster/federation.yaml" --since 3 --out "$work/grown.json"
accepted panal ledger check "$work/grown.json" --roster "$work/roster/federation.yaml"
# Two votes that contradict each other convict a member by its keys of this epoch or of the one before: bank-c, which has
# new ones since, and not bank-d, which left two epochs ago. Both verifiers.
convicted() { # convicted BANK NUMBER KEYS VERDICT
    rm -rf "$work/lab"
    mkdir -p "$work/lab/bank-a"
    cp -r "$work/a/state" "$work/lab/bank-a/state"
    cp "$work/roster"/federation.yaml* "$work/lab"
    for bank in a b c e; do
        keys=$work/$bank/keys
        [ ! -d "$keys/next" ] || keys=$keys/next
        mkdir -p "$work/lab/bank-$bank"
        ln -s "$keys" "$work/lab/bank-$bank/keys"
    done
    (cd "$here" && "$python" -B -c 'import corrupt, sys
lab, who, height = corrupt.Lab(sys.argv[1], "bank-a"), int(sys.argv[2]), int(sys.argv[4])
lab.keys[0] = corrupt.secret(sys.argv[3])
corrupt.convict(lab, who=who, height=height, signer=0)' "$work/lab" "$2" "$work/$3" "$((first_of_last - 1))")
    one=good
    two=good
    panal ledger verify "$work/lab/bank-a/state" --roster "$work/lab/federation.yaml" >"$work/one" 2>&1 || one=bad
    "$python" "$root/tools/verify.py" "$work/lab/bank-a/state" --roster "$work/lab/federation.yaml" >"$work/two" 2>&1 ||
        two=bad
    [ "$one $two" = "$4 $4" ] || die "bank-$1 convicted: $one, $two, expected $4: $(cat "$work/one" "$work/two")"
}
convicted a 1 a/keys good
convicted c 3 c/old good
convicted c 3 a/keys bad
convicted d 4 d/keys bad
grep -q "conviction: member 4 has not signed both" "$work/one" || die "not refused for its conviction"

# Another federation's roster, and one that the ledger's epochs do not lead to, prove nothing.
cp -r "$work/first" "$work/other"
sed -i 's/^expires: .*/expires: 2099-01-01T00:00:00Z/' "$work/other/federation.yaml"
rm "$work/other"/*.minisig
for signer in a b c; do
    accepted panal roster sign "$work/other/federation.yaml" --keys "$work/$signer/keys" --name "bank-$signer"
done
refused 5 "does not name" panal ledger verify "$work/a/state" --roster "$work/other/federation.yaml"
refused 1 "does not name" "$python" "$root/tools/verify.py" "$work/a/state" --roster "$work/other/federation.yaml"
echo "ok"
