#!/bin/sh
# Who is refused, at the start and in the handshake: wrong fingerprints, changed, unsigned, expired, older
# and rival rosters, a revoked member, strangers, an impostor, keys that others can read, a state directory
# that is taken. And Debian's minisign agrees with us about who signed.
#
#   hostile.sh BIN
set -eu
BIN=$1
# shellcheck source=tests/e2e/federation.sh
. "$(dirname "$0")/federation.sh"

make_job 2 2
prepare
lab=$work/lab
trust=$(sed -n 's/^trust: //p' "$lab/ana/node.yaml")
here_now="tcp://127.0.0.1:$port"

# Each question gets a state directory of its own, so that none answers the next.
ask_node() { # CODE WORDS OPTIONS...
    code=$1
    words=$2
    shift 2
    refused "$code" "$words" "$BIN/panal-node" --config "$lab/ana/node.yaml" \
        --state "$(mktemp -d "$work/state.XXXXXX")" --connect "$here_now" "$@"
}
ask_hub() {
    code=$1
    words=$2
    shift 2
    refused "$code" "$words" "$BIN/panal-coordinator" --config "$lab/hub/coordinator.yaml" \
        --state "$(mktemp -d "$work/state.XXXXXX")" --listen "$here_now" "$@"
}
# A copy of the roster with its signatures, to be spoiled.
copy_roster() {
    mkdir "$work/$1"
    cp "$lab"/federation.yaml* "$work/$1"
    roster=$work/$1/federation.yaml
}
sign() { # ROSTER NAME...
    to_sign=$1
    shift
    for name in "$@"; do
        panal roster sign "$to_sign" --name "$name" --keys "$lab/$name/keys" >/dev/null
    done
}
trust_of() {
    panal roster show "$1" --json | sed -n 's/.*"trust": *"\([^"]*\)".*/\1/p'
}
# A node that starts on a state directory of its own, stays until it has said the words, and is stopped.
visit() { # STATE WORDS OPTIONS...
    state=$1
    words=$2
    shift 2
    : >"$work/visit"
    "$BIN/panal-node" --config "$lab/${visitor:-ana}/node.yaml" --state "$state" --connect "$here_now" "$@" \
        >>"$work/visit" 2>&1 &
    node=$!
    nodes="$nodes $node"
    wait_for 15 says "$work/visit" "$words" || {
        cat "$work/visit"
        die "expected to read \"$words\" above"
    }
    stop "$node"
    nodes=""
}

# --- the fingerprint of the signers
other="SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
ask_node 5 "expected the signers with fingerprint $other, seen $trust" --trust "$other"
ask_hub 5 "expected the signers with fingerprint $other, seen $trust" --trust "$other"
sed '/^trust:/d' "$lab/ana/node.yaml" >"$lab/ana/no-trust.yaml"
refused 5 "its signers' fingerprint is $trust" "$BIN/panal-node" --config "$lab/ana/no-trust.yaml" \
    --state "$work/no-trust" --connect "$here_now"

# --- the roster's signatures
copy_roster changed
sed -i 's/Site ana/Site anb/' "$roster"
ask_node 5 "expected signatures of at least 2 signers of epoch 1, seen 0" --federation "$roster"
ask_hub 5 "seen 0" --federation "$roster"
refused 5 "seen 0" panal roster show "$roster"
copy_roster unsigned
rm "$roster.bea.minisig"
ask_node 5 "seen 1; missing: bea (has not signed)" --federation "$roster"
cp "$roster.ana.minisig" "$roster.bea.minisig" # the signature of somebody else
ask_node 5 "seen 1; missing: bea" --federation "$roster"

# --- time
copy_roster expired
sed -i -e 's/^issued: .*/issued: 2020-01-01T00:00:00Z/' -e 's/^expires: .*/expires: 2021-01-01T00:00:00Z/' "$roster"
sign "$roster" ana bea
ask_node 5 "epoch 1 of the roster expired at 2021-01-01T00:00:00Z" --federation "$roster"
ask_hub 5 "expired at 2021-01-01" --federation "$roster"
refused 5 "expired at 2021-01-01" panal roster show "$roster"

# --- epochs: only forward, and only with the signers of the epoch before
copy_roster second
panal roster next "$roster" --remove cleo >/dev/null
rm "$roster".*.minisig
refused 5 "seen 0" panal roster show "$roster"
sign "$roster" ana bea
second=$roster
visit "$work/kept" "event=start" # accepts epoch 1
copy_roster takeover
panal keys create --name dora --organisation Dora --no-sealed --out "$lab/dora/keys" >/dev/null
panal keys create --name emil --organisation Emil --no-sealed --out "$lab/emil/keys" >/dev/null
panal roster next "$roster" --add "$lab/dora/keys/dora.join" --add "$lab/emil/keys/emil.join" >/dev/null
rm "$roster".*.minisig
sign "$roster" dora emil # enough for itself, not for those who are there already
refused 5 "expected signatures of at least 2 signers of epoch 1, seen 0" "$BIN/panal-node" \
    --config "$lab/ana/node.yaml" --state "$work/kept" --federation "$roster"
visit "$work/kept" "epoch=2" --federation "$second"
refused 5 "expected epoch 2 or later, which was accepted before, seen epoch 1" "$BIN/panal-node" \
    --config "$lab/ana/node.yaml" --state "$work/kept"
copy_roster rival
panal roster next "$roster" --days 100 --remove cleo >/dev/null
sign "$roster" ana bea
refused 5 "this is another roster of epoch 2 than the one accepted before" "$BIN/panal-node" \
    --config "$lab/ana/node.yaml" --state "$work/kept" --federation "$roster"

# --- keys and state
ask_node 5 "no member has the keys of $lab/dora/keys" --keys "$lab/dora/keys"
ask_node 5 "hub is a coordinator in this roster, not a node" --keys "$lab/hub/keys"
cp -r "$lab/ana/keys" "$work/open-keys"
chmod 640 "$work/open-keys/node.key"
ask_node 5 "node.key holds a key but others may use it (mode 0640): chmod 600" --keys "$work/open-keys"
chmod 600 "$work/open-keys/node.key"
printf 'nothing\n' >"$work/open-keys/node.key"
ask_node 3 "node.key: expected a key file: three lines of text" --keys "$work/open-keys"

: >"$work/holder"
"$BIN/panal-node" --config "$lab/ana/node.yaml" --connect "$here_now" >>"$work/holder" 2>&1 &
node=$!
nodes=" $node"
wait_for 15 says "$work/holder" "event=start" || die "the node does not start"
refused 1 "another panal-node holds $lab/ana/state (pid $node): stop it first" "$BIN/panal-node" \
    --config "$lab/ana/node.yaml" --connect "$here_now"
stop "$node"
nodes=""

# --- the handshake: all knew epoch 1; epoch 2 has no cleo, and dora's federation is her own invention
start_hub
stop "$hub"
for visitor in ana bea; do visit "$lab/$visitor/state" "epoch=1"; done
visitor=ana
sed -i "s|^federation: .*|federation: $second|" "$lab/hub/coordinator.yaml" "$lab/ana/node.yaml" \
    "$lab/bea/node.yaml"
start_hub
start_node cleo
revoked=$node
invented=$work/invented/federation.yaml
mkdir "$work/invented"
panal roster create --federation laboratory --endpoint "$here_now" --signer dora --threshold 1 \
    --out "$invented" "$lab/hub/keys/hub.join" "$lab/dora/keys/dora.join" >/dev/null
sign "$invented" dora
visit "$work/dora-state" "event=handshake-refused" --federation "$invented" --keys "$lab/dora/keys" \
    --trust "$(trust_of "$invented")"
say_must_not "$work/visit" "event=connected"
wait_for 15 says "$lab/cleo/log" "event=handshake-refused" || die "cleo was not refused"
wait_for 15 says "$lab/hub/log" "event=strangers" || die "the coordinator does not count strangers"
start_node ana
start_node bea
end_hub
stop "$revoked"
say_must_not "$lab/cleo/log" "event=connected"
say_must_not "$lab/hub/log" "node=cleo"
nodes=$(echo "$nodes" | sed "s/ $revoked\\b//")
end_nodes
accepted panal ledger verify "$lab/hub/state" --roster "$second"
refused 1 "NOT verified: block 0: its roster" panal ledger verify "$lab/hub/state" --roster "$lab/federation.yaml"

# --- somebody else listens where the coordinator should be
cp -r "$lab" "$work/true-lab"
panal lab prepare "$work/job.yaml" --sites "$work/sites.yaml" --out "$lab" >/dev/null
start_hub # with keys of its own
lab=$work/true-lab
visit "$work/misled" "no connection to $here_now: nobody listens there, or somebody who has not" --federation "$second" --trust "$(trust_of "$second")"
say_must_not "$work/visit" "event=connected"
kill -9 "$hub"
hub=""

# --- another program's opinion of a signature
if command -v minisign >/dev/null; then
    panal keys show "$lab/ana/keys/ana.join" --minisign >"$work/ana.pub"
    accepted minisign -V -p "$work/ana.pub" -m "$second" -x "$second.ana.minisig"
    say_must "$work/said" "Trusted comment: panal roster laboratory epoch 2 signed by ana"
    key=$(tail -n 1 "$work/ana.pub")
    accepted minisign -V -P "$key" -m "$second" -x "$second.ana.minisig"
    refused 1 "" minisign -V -P "$key" -m "$work/changed/federation.yaml" -x "$second.ana.minisig"
    checked="minisign agrees"
else
    checked="minisign is not installed"
fi
echo "ok: all refused, each with its reason; $checked"
