#!/bin/sh
# Nominal identity: the same model as with real cryptography, with any number of threads; its ledger is called
# what it is; no program but panal-sim has it, and none accepts what it made.
#
#   nominal.sh BIN
set -eu
BIN=$1
# shellcheck source=tests/e2e/federation.sh
. "$(dirname "$0")/federation.sh"

make_job 3 3

# simulate NAME OPTION...: a run in $work/NAME; prints its model.
simulate() {
    name=$1
    shift
    panal-sim run "$work/job.yaml" --sites "$work/sites.yaml" --out "$work/$name" "$@" >"$work/out" 2>"$work/err" ||
        { cat "$work/err"; die "the simulation $name failed"; }
    sed -n 's/^model //p' "$work/out"
}
real=$(simulate real --workers 1)
[ -n "$real" ] || die "the simulator gives no model"
say_must "$work/out" "the ledger verifies"
[ "$(simulate real2 --workers 2)" = "$real" ] || die "the model depends on the number of threads"
[ "$(simulate nominal --workers 1 --identity nominal)" = "$real" ] || die "the model depends on the identity"
say_must "$work/out" "nominal identity: nothing is signed"
[ "$(simulate nominal2 --workers 2 --identity nominal)" = "$real" ] || die "nominal, with threads: another model"
panal-sim run "$work/job.yaml" --sites "$work/sites.yaml" --identity nominal --json 2>"$work/err" >"$work/out"
say_must "$work/out" '"identity": "nominal"'

# What the tool says of both.
panal ledger verify "$work/real" --roster "$work/real/federation.yaml" >"$work/out" || die "the real ledger does not verify"
say_must "$work/out" "ledger verified"
panal model export "$work/real" --out "$work/model.safetensors" 2>"$work/err" || die "the model cannot be exported"

# A swarm's member, as its directory is.
[ "$(simulate swarm --mode swarm)" = "$real" ] || die "the model depends on the mode"
panal ledger verify "$work/swarm" --roster "$work/swarm/federation.yaml" >"$work/out" 2>&1 ||
    { cat "$work/out"; die "the ledger of a simulated swarm does not verify"; }
say_must "$work/out" "ledger verified"

for roster in "$work/nominal/federation.yaml" "$work/real/federation.yaml"; do
    code=0
    panal ledger verify "$work/nominal" --roster "$roster" >"$work/out" 2>&1 || code=$?
    [ "$code" -eq 9 ] || die "verify of a nominal ledger ends with $code"
    say_must "$work/out" "NOT verified: nominal identity"
    ! grep -q "ledger verified" "$work/out" || die "a nominal ledger is called verified"
done
code=0
panal ledger verify "$work/nominal" --roster x --json >"$work/out" 2>"$work/err" || code=$?
[ "$code" -eq 9 ] || die "verify --json of a nominal ledger ends with $code"
say_must "$work/out" '"status": "nominal"'
code=0
panal ledger show "$work/nominal" --roster x >"$work/out" 2>&1 || code=$?
[ "$code" -eq 9 ] || die "show of a nominal ledger ends with $code"
head -n 1 "$work/out" >"$work/err"
say_must "$work/err" "nominal identity"
say_must "$work/out" "round 3"
panal ledger show "$work/nominal" --roster x --html "$work/page.html" >"$work/out" 2>&1 || true
say_must "$work/page.html" "<p class='note'>nominal identity"
! grep -q "verified" "$work/page.html" || die "the page of a nominal ledger calls it verified"

# A roster of nominal keys is none, for everybody else.
! panal roster show "$work/nominal/federation.yaml" >"$work/out" 2>&1 || die "a nominal roster is shown as one"
if command -v nm >/dev/null; then
    for program in panal panal-node panal-coordinator; do
        nm "$BIN/$program" >"$work/symbols"
        grep -q "sec_suite_real" "$work/symbols" || die "$program was built in a way that this test does not know"
        ! grep -q "sec_suite_nominal" "$work/symbols" || die "$program holds the nominal identity"
    done
    nm "$BIN/panal-sim" >"$work/symbols"
    grep -q "sec_suite_nominal" "$work/symbols" || die "panal-sim does not hold what this test looks for"
fi
echo "ok: $real with real and nominal identity, one thread and two"
