#!/bin/sh
# One job, two modes: with a coordinator and as a swarm it ends with the same model, to the bit. Whatever is
# in the job: columns standardised over all sites or not, cohorts smaller than the federation, stopping early.
# Every member of the swarm holds the same proved ledger.
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
echo "ok: four jobs, each with one model in both modes:$models"
