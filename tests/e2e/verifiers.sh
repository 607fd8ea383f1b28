#!/bin/sh
# Two verifiers, one verdict: `panal ledger verify` and tools/verify.py, which share no code, agree on a
# coordinator's and a swarm's ledger and on every corruption of them that corrupt.py knows.
#
#   verifiers.sh BIN
set -eu
BIN=$1
# shellcheck source=tests/e2e/federation.sh
. "$(dirname "$0")/federation.sh"

find_verifier
verify_py=$here/../../tools/verify.py
[ "$(wc -l <"$verify_py")" -le 500 ] || die "tools/verify.py is longer than 500 lines"

sites="ana bea cleo dora"
make_job 3 2
echo "limits: { update_norm: 90, weight: 900000 }" >>"$work/job.yaml" # as corrupt.py's, and nobody's default
disagreed=0
tried=0
gaps=no

# What panal says of models and rounds, in the words of verify.py.
counts() {
    sed -n 's/.*"models_checked": *\([0-9]*\).*/\1 models/p
        s/.*"aggregates_recomputed": *\([0-9]*\).*/, \1 recomputed/p
        s/.*"aggregates_spot_checked": *\([0-9]*\).*/, \1 spot-checked/p
        s/.*"aggregates_by_hash_only": *\([0-9]*\).*/, \1 by hash only/p' "$1" | tr -d '\n'
}

# try MODE SITE VERDICT NAME: both must say VERDICT of the copy that NAME corrupted.
try() {
    rm -rf "$work/copy"
    mkdir "$work/copy"
    cp "$work/$1"/federation.yaml* "$work/copy"
    for each in "$work/$1"/*/keys; do # everybody's keys, and only this site's state
        each=${each%/keys}
        mkdir "$work/copy/${each##*/}"
        ln -s "$each/keys" "$work/copy/${each##*/}/keys"
    done
    cp -r "$work/$1/$2/state" "$work/copy/$2/state"
    "$python" "$here/corrupt.py" "$work/copy" "$2" "$4" || die "corrupt.py: $1 $4"
    one=good
    two=good
    panal ledger verify "$work/copy/$2/state" --roster "$work/copy/federation.yaml" --json >"$work/one" 2>&1 || one=bad
    "$python" "$verify_py" "$work/copy/$2/state" --roster "$work/copy/federation.yaml" >"$work/two" 2>&1 || two=bad
    tried=$((tried + 1))
    # A verifier that fell over has not refused anything.
    grep -qE 'NOT verified|"verified"|federation.yaml' "$work/one" || one=fell
    ! grep -q Traceback "$work/two" || two=fell
    if [ "$one$two" = goodgood ] && [ "$(counts "$work/one")" != "$(sed -n '1s/.*; //p' "$work/two")" ]; then
        two="another account"
    fi
    if [ "$one" != "$3" ] || [ "$two" != "$3" ]; then
        echo "$1, $4: expected $3; panal says $one, verify.py says $two"
        cat "$work/one" "$work/two"
        disagreed=$((disagreed + 1))
    fi
}

for mode in coordinator swarm; do
    site=hub
    [ "$mode" = coordinator ] || site=ana
    timeout 150 panal lab run "$work/job.yaml" --sites "$work/sites.yaml" --out "$work/$mode" --mode "$mode" \
        --no-compare >"$work/out" 2>&1 || { cat "$work/out"; die "the laboratory failed: $mode"; }
    "$python" "$here/corrupt.py" "$work/$mode" "$site" --list >"$work/ways"
    while read -r verdict name; do
        try "$mode" "$site" "$verdict" "$name"
    done <"$work/ways"
    for other in $sites; do # everybody else's copy
        try "$mode" "$other" good nothing
    done
done

# A coordinator that shows two histories has signed both, and who countersigned both with it.
cp -r "$work/coordinator" "$work/fork"
"$python" -B "$here/fork.py" "$work/fork" hub 2
refused 1 "they part at block 2; the 2 before are the same" panal ledger diff "$work/coordinator/hub/state" \
    "$work/fork/hub/state" --roster "$work/fork/federation.yaml"
say_must "$work/said" "signed both: hub, "
say_must "$work/said" "nobody may sign two blocks of one height"

# Copies with gaps: a node that is sent the blocks of its own rounds only.
sed -i 's/cohort: 3,/cohort: 2, follow: cohort,/; s/count: 3,/count: 6,/' "$work/job.yaml"
timeout 150 panal lab run "$work/job.yaml" --sites "$work/sites.yaml" --out "$work/gaps" --no-compare >"$work/out" 2>&1 ||
    { cat "$work/out"; die "the laboratory failed: gaps"; }
for other in $sites; do
    try gaps "$other" good nothing
    accepted panal ledger diff "$work/gaps/hub/state" "$work/gaps/$other/state" --roster "$work/gaps/federation.yaml"
    if ! grep -q '"blocks_not_in_this_copy": 0' "$work/one"; then gaps=yes; fi
    try gaps "$other" bad "bit_$((tried % 16))_of_16"
done
try gaps hub good nothing
[ "$gaps" = yes ] || die "no copy has a gap"

[ "$disagreed" -eq 0 ] || die "$disagreed of $tried verdicts"
echo "ok: $tried ledgers, two verifiers, one verdict on each"
