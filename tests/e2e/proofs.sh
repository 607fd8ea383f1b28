#!/bin/sh
# An auditor who has the roster and a line that was kept: what `panal ledger prove` hands out is accepted by `panal
# ledger check`, in both kinds of federation; every single change of such a file is refused, and so is the history of
# another ledger.
#
#   proofs.sh BIN
set -eu
BIN=$1
# shellcheck source=tests/e2e/federation.sh
. "$(dirname "$0")/federation.sh"
command -v python3 >/dev/null || skip "no python3"
proofs_py=$here/proofs.py

sites="ana bea cleo dora"
make_job 6 3
last=7 # genesis, six rounds, the end
changed=0

# kept DIR ROSTER: the checkpoint that verify prints.
kept() {
    panal ledger verify "$1" --roster "$2" | awk '/^ *checkpoint / { print $2 }'
}

for mode in swarm coordinator; do
    lab=$work/$mode
    timeout 150 panal lab run "$work/job.yaml" --sites "$work/sites.yaml" --out "$lab" --mode "$mode" \
        --no-compare >"$work/out" 2>&1 || { cat "$work/out"; die "the laboratory failed: $mode"; }
    site=ana
    [ "$mode" = swarm ] || site=hub
    dir=$lab/$site/state
    roster=$lab/federation.yaml
    checkpoint=$(kept "$dir" "$roster")
    [ "$checkpoint" = "$(python3 "$proofs_py" checkpoint "$dir" $((last + 1)))" ] ||
        die "$mode: the root is not that of RFC 9162"
    old=$(python3 "$proofs_py" checkpoint "$dir" 4)

    # A block, from whoever has the ledger, for who has the roster only.
    for height in 0 3 $last; do
        accepted panal ledger prove "$dir" --roster "$roster" --block $height --out "$lab/block-$height.json"
        accepted panal ledger check "$lab/block-$height.json" --roster "$roster"
        say_must "$work/said" "proof verified: block $height is in the"
        if [ "$mode" = swarm ]; then
            python3 "$proofs_py" inclusion "$dir" "$lab/block-$height.json" ||
                die "block $height: the path does not lead to the root of RFC 9162"
        fi
    done
    accepted panal ledger check "$lab/block-3.json" --roster "$roster"
    say_must "$work/said" "round 3"
    say_must "$work/said" " records  update norm "
    accepted panal ledger check "$lab/block-3.json" --roster "$roster" --json
    say_must "$work/said" '"took_part"'
    panal ledger prove "$dir" --roster "$roster" --block 3 2>/dev/null | cmp - "$lab/block-3.json" ||
        die "the proof that is printed is not the one that is written"

    # That the ledger only grew since there were four blocks.
    accepted panal ledger prove "$dir" --roster "$roster" --since 4 --out "$lab/since.json"
    accepted panal ledger check "$lab/since.json" --roster "$roster" --checkpoint "$old"
    say_must "$work/said" "begins with the 4 of the checkpoint; nothing was rewritten"
    say_must "$work/said" "as it was kept"
    say_must "$work/said" "$checkpoint" # what is kept from now on
    accepted panal ledger check "$lab/since.json" --roster "$roster"
    say_must "$work/said" "COMPARE THIS"
    accepted panal ledger verify "$dir" --roster "$roster" --checkpoint "$old"
    accepted panal ledger verify "$dir" --roster "$roster" --checkpoint "$checkpoint"
    accepted panal ledger prove "$dir" --roster "$roster" --since $((last + 1)) --out "$lab/now.json"
    accepted panal ledger check "$lab/now.json" --roster "$roster" --checkpoint "$checkpoint"

    # Every change.
    for file in block-0 block-3 since; do
        mkdir "$work/changes"
        python3 "$proofs_py" changes "$lab/$file.json" "$work/changes"
        for each in "$work/changes"/*.json; do
            code=0
            panal ledger check "$each" --roster "$roster" >"$work/said" 2>&1 || code=$?
            case $code in
            1 | 3 | 5) say_must "$work/said" "NOT verified" ;;
            *)
                cat "$each" "$work/said"
                die "$mode, $file: a changed proof ends with $code"
                ;;
            esac
            changed=$((changed + 1))
        done
        rm -r "$work/changes"
    done

    # What cannot be.
    refused 4 "no block 8 among" panal ledger prove "$dir" --roster "$roster" --block 8
    refused 4 "its end was cut off" panal ledger prove "$dir" --roster "$roster" --since 9
    refused 2 "either --block" panal ledger prove "$dir" --roster "$roster"
    refused 2 "either --block" panal ledger prove "$dir" --roster "$roster" --block 1 --since 2
    refused 3 "ask for" panal ledger check "$lab/now.json" --roster "$roster" --checkpoint "$old"
    refused 3 "proves one block" panal ledger check "$lab/block-3.json" --roster "$roster" --checkpoint "$old"
    refused 3 "expected a number of blocks" panal ledger verify "$dir" --roster "$roster" --checkpoint 4
    refused 4 "nowhere.json" panal ledger check "$work/nowhere.json" --roster "$roster"
done

# A copy with gaps, of a node that is sent the blocks of its own rounds: it proves those, and no growth.
sed 's/cohort: 3,/cohort: 2, follow: cohort,/; s/quorum: 3,/quorum: 2,/' "$work/job.yaml" >"$work/gaps.yaml"
timeout 150 panal lab run "$work/gaps.yaml" --sites "$work/sites.yaml" --out "$work/gaps" --no-compare >"$work/out" 2>&1 ||
    { cat "$work/out"; die "the laboratory failed: gaps"; }
roster=$work/gaps/federation.yaml
gaps=0
for site in $sites; do
    dir=$work/gaps/$site/state
    accepted panal ledger verify "$dir" --roster "$roster"
    grep -q '^  gaps ' "$work/said" || continue
    say_must_not "$work/said" checkpoint
    refused 1 "has gaps" panal ledger prove "$dir" --roster "$roster" --since 1
    refused 1 "has gaps" panal ledger verify "$dir" --roster "$roster" --checkpoint "$old"
    for height in 0 1 2 3 4 5 6 7; do
        if panal ledger prove "$dir" --roster "$roster" --block $height --out "$work/one.json" >"$work/said" 2>&1; then
            accepted panal ledger check "$work/one.json" --roster "$roster"
        else
            say_must "$work/said" "there is no block $height"
            gaps=$((gaps + 1))
        fi
    done
done
[ "$gaps" -gt 0 ] || die "no copy has a gap"

# Another run of the same job: another history, with the other federation's roster or with ours.
timeout 150 panal lab run "$work/job.yaml" --sites "$work/sites.yaml" --out "$work/other" --mode swarm \
    --no-compare >"$work/out" 2>&1 || { cat "$work/out"; die "the laboratory failed"; }
mine=$(python3 "$proofs_py" checkpoint "$work/swarm/ana/state" 4)
for dir in "$work/other/ana/state" "$work/other/cleo/state"; do
    accepted panal ledger prove "$dir" --roster "$work/other/federation.yaml" --since 4 --out "$work/other.json"
    refused 1 "not those of your checkpoint" panal ledger check "$work/other.json" \
        --roster "$work/other/federation.yaml" --checkpoint "$mine"
    refused 1 "its roster" panal ledger check "$work/other.json" --roster "$work/swarm/federation.yaml"
    refused 1 "not those of the checkpoint" panal ledger verify "$dir" --roster "$work/other/federation.yaml" \
        --checkpoint "$mine"
done
refused 1 "is another ledger, or its end was cut off" panal ledger verify "$work/swarm/ana/state" \
    --roster "$work/swarm/federation.yaml" --checkpoint "9${mine#4}"

# Everybody's copy gives the same checkpoint, and a proof of one kind of federation is none for the other.
[ "$(kept "$work/swarm/ana/state" "$work/swarm/federation.yaml")" = \
    "$(kept "$work/swarm/dora/state" "$work/swarm/federation.yaml")" ] || die "two checkpoints of one ledger"
refused 1 "parts are not those" panal ledger check "$work/swarm/block-3.json" --roster "$work/coordinator/federation.yaml"
refused 1 "parts are not those" panal ledger check "$work/coordinator/block-3.json" --roster "$work/swarm/federation.yaml"
echo "ok: $changed changed proofs refused, $gaps blocks not there"
