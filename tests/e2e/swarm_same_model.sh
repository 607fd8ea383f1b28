#!/bin/sh
# One job, two modes: with a coordinator and as a swarm it ends with the same model, to the bit. Whatever is
# in the job: columns standardised over all sites or not, cohorts smaller than the federation, stopping early,
# rounds whose length is adapted. Every member of the swarm holds the same proved ledger.
#
#   swarm_same_model.sh BIN
set -eu
BIN=$1
sites="ana bea cleo dora"
# shellcheck source=tests/e2e/swarm.sh
. "$(dirname "$0")/swarm.sh"

# run_lab MODE: what a laboratory in that mode says is in $work/out.
run_lab() {
    panal lab run "$work/job.yaml" --sites "$work/sites.yaml" --out "$work/lab" --no-compare --mode "$1" \
        >"$work/out" 2>&1 || {
        cat "$work/out"
        die "$what: the laboratory failed in mode $1"
    }
    say_must "$work/out" "ledger verified"
    [ -s "$work/lab/model.safetensors" ] && [ -s "$work/lab/report.html" ] || die "$what: model or report is missing"
}
models=""
both() {
    what=$1
    run_lab coordinator
    expected=$(final_model)
    stops=$(grep -c '"stopped_early": true' "$work/lab/result.json" || true)
    run_lab swarm
    end_swarm "$expected"
    [ "$(grep -c '"stopped_early": true' "$work/lab/result.json" || true)" -eq "$stops" ] ||
        die "$what: the two modes do not agree on whether it stopped early"
    case $models in *"$expected"*) die "$what: ended with the model of another job" ;; esac
    models="$models $expected"
}

make_swarm_job 3 4
both "standardised columns"

make_swarm_job 5 2
sed -i 's/cohort: 4/cohort: 2/' "$work/job.yaml"
both "cohorts of two among four"
absent=$(sed -n 's/.*event=committed height=[1-5] .*updates=\([0-9]*\) .*/\1/p' "$work/lab/ana/log" | sort -u)
[ "$absent" = 2 ] || die "cohorts of $absent instead of 2"

make_swarm_job 4 3
sed -i 's/, scale: standard//' "$work/job.yaml"
both "columns as they are"

make_swarm_job 40 4
echo 'stopping: { metric: auroc, patience: 2 }' >>"$work/job.yaml"
both "stopping early"
[ "$stops" -eq 1 ] || die "the job that should stop early does not"
# steps_shown NAME: those of every round, as the ledger of NAME has them; steps_made: as its daemon trained.
steps_shown() {
    panal ledger show "$work/lab/$1/state" --roster "$work/lab/federation.yaml" >"$work/out"
    sed -n 's/^ *\([0-9]*\) steps at each site.*/\1/p' "$work/out" | tr '\n' ' '
}
steps_made() {
    sed -n 's/.*event=trained steps=\([0-9]*\) .*/\1/p' "$work/lab/$1/log" | tr '\n' ' '
}
# steps_agree: every site trained as its ledger says; the steps are in $steps.
steps_agree() {
    steps=$(steps_shown ana)
    for site in $sites; do
        [ "$(steps_shown "$site")" = "$steps" ] || die "$what: ledgers of ana and $site show other steps"
        [ "$(steps_made "$site")" = "$steps" ] || die "$what: $site made $(steps_made "$site"), expected $steps"
    done
}

make_swarm_job 12 4
sed -i -e 's/epochs: 2/steps: 20, interval: { metric: log_loss, min: 5, max: 64, min_delta: 0.005 }/' \
    -e 's/rate: 0.1/rate: 0.02/' "$work/job.yaml"
what="an adapted interval"
run_lab coordinator
steps_agree
in_coordinator_mode=$steps
expected=$(final_model)
run_lab swarm
end_swarm "$expected"
steps_agree
[ "$steps" = "$in_coordinator_mode" ] || die "a coordinator's rounds have $in_coordinator_mode, a swarm's $steps"
case $steps in "20 20 20 40 64 "*32*) ;; *) die "expected more steps while the loss falls, and fewer then: $steps" ;; esac
[ "$(expected_model)" = "$expected" ] || die "the simulator ends with another model"
echo "ok: five jobs, each with one model in both modes:$models $expected; steps adapted: $steps"
