#!/bin/sh
# What people get wrong in jobs, data, configurations and command lines: each ends with its exit code and a
# sentence that says where, what was expected and what was seen. And what a site refuses, or cannot do, it
# says to the coordinator in a sentence that tells nothing of its data.
#
#   mistakes.sh BIN
set -eu
BIN=$1
# shellcheck source=tests/e2e/federation.sh
. "$(dirname "$0")/federation.sh"

usage=2 config=3 absent=4 data=8
make_job 2 3
good=$work/job.yaml
bad=$work/bad.yaml
table=$work/bad.csv

# job_not WORDS SED-SCRIPT: the good job, so changed, is refused in bad.yaml with the words.
job_not() {
    sed "$2" "$good" >"$bad"
    ! cmp -s "$good" "$bad" || die "the script changes nothing: $2"
    refused $config "$bad:$1" panal job check "$bad"
}
# data_not WHERE WORDS SED-SCRIPT: ana's records, so changed, are refused.
data_not() {
    sed "$3" "$work/ana.csv" >"$table"
    refused $data "$table:$1" panal data check "$good" --file "$table"
    say_must "$work/said" "$2"
}

accepted panal job check "$good"

# --- job.yaml
job_not '3:1: there is no key "sead" here; did you mean "seed"?' 's/^seed: 3/sead: 3/'
job_not '3:7: seed: expected a whole number from 0 to 18446744073709551615, seen "three"' 's/^seed: 3/seed: three/'
job_not '4:10: profile: expected one of open, grouped, private, seen "opne"; did you mean "open"?' 's/: open/: opne/'
job_not '4:1: expected every key once, seen "seed" again (first in line 3)' 's/^seed: 3/seed: 3\nseed: 4/'
job_not '2:7: aliases (*) are not part of this dialect' 's/^name: small/name: *x/'
job_not '2:7: anchors (&) are not part of this dialect' 's/^name: small/name: \&x small/'
job_not '13:1: expected spaces at the start of the line, seen a tab' 's/^  header: true/\theader: true/'
job_not '18:7: ' '/name: c/s/ }$//'
job_not "20:35: rate: expected a number 1e-12..1000, seen '-1'" 's/rate: 0.1,/rate: -1,/'
job_not '21:18: count: expected a whole number from 1 to 1000000, seen "0"' 's/count: 2,/count: 0,/'
job_not '21:40: quorum: expected at most the cohort, 3; seen 4' 's/quorum: 3/quorum: 4/'
job_not '21:51: gather: expected a time from 1ms to 168h, seen "60 parsecs"' 's/gather: 60s/gather: 60 parsecs/'
job_not "5:8: model:2:8: unknown kind 'denze'; did you mean 'dense'?" 's/= dense x/= denze x/'
job_not ' the data section gives 3 features a record, the network reads 4' 's/input 3/input 4/'
job_not '17:24: type: expected one of numeric, categorical, target, weight, ignore, group, seen "numric"' \
    's/name: c, type: numeric/name: c, type: numric/'
job_not '15:5: no column has `type: target`; one must say what is to be predicted' '/type: target/d'
job_not '17:7: the column "a" stands here twice' 's/name: c/name: a/'
: >"$bad"
refused $config "$bad:1:1: expected a document, seen an empty file" panal job check "$bad"
printf '\377\376job' >"$bad"
refused $config "$bad:1:1: expected UTF-8 text" panal job check "$bad"
refused 1 "$work is not a plain file" panal job check "$work"
refused $absent "cannot open $work/none.yaml: No such file or directory" panal job check "$work/none.yaml"

# --- records
accepted panal data check "$good" --file "$work/ana.csv"
data_not 1:1: 'the header has no column "b"; did you mean "bb"?' '1s/a,b,c,y/a,bb,c,y/'
data_not 1:1: 'the header has no column "b"; its 4 fields begin with "a" (check delimiter' '1s/a,b,c,y/a,x,c,y/'
data_not 3:1: 'expected 4 fields as in the header, seen 1; is a delimiter missing' '3s/,/;/g'
data_not 3:1: 'column "a": expected a number with the decimal sign ".", seen "abc"' '3s/^[^,]*,/abc,/'
data_not 3:1: 'column "a": expected a finite number, seen "nan"' '3s/^[^,]*,/nan,/'
data_not 3:1: 'column "a": expected a finite number, seen "inf"' '3s/^[^,]*,/inf,/'
data_not 3:1: 'the quote that opens here is not closed' '3s/^/"/'
data_not 3:4: 'there is text behind the closing quote' '3s/^[^,]*,/"1"2,/'
data_not 3: 'expected 4 fields as in the header, seen 3' '3s/^[^,]*,//'
data_not 3: 'column "y": the target is missing ("")' '3s/,[01]$/,/'
data_not 2:1: 'there is no record in this file, only a header' '2,$d'
data_not 1:1: 'the file is empty; expected a line with the names of the columns' '1,$d'
refused $data "$work: this is a folder; name a file in it" panal data check "$good" --file "$work"
refused $absent "$work/none.csv: there is no such file" panal data check "$good" --file "$work/none.csv"
refused $config "say where the data is" panal data check "$good"
sed -e 's/type: numeric, scale: standard }/type: categorical, values: [red, blue] }/' -e 's/input 3/input 6/' \
    "$good" >"$work/colours.yaml"
printf 'a,b,c,y\nred,blue,red,1\nred,green,red,0\n' >"$table"
refused $data "$table:3:5: column \"b\": the category \"green\" is not among the 2 values of the job" \
    panal data check "$work/colours.yaml" --file "$table"
# A warning is no refusal.
awk -F, 'NR == 1 { print; next } { print $1 "," 5 "," $3 ",0" }' "$work/ana.csv" >"$work/plain.csv"
accepted panal data check "$good" --file "$work/plain.csv"
say_must "$work/said" "WARNING: all records have one class"
say_must "$work/said" "WARNING: constant here"

# --- sites.yaml, and a laboratory in the wrong place
sites_not() {
    sed "$3" "$work/sites.yaml" >"$work/bad-sites.yaml"
    refused "$1" "$2" panal lab prepare "$good" --sites "$work/bad-sites.yaml" --out "$work/no-lab"
}
sites_not $config "$work/bad-sites.yaml:3:52: there is no key \"fil\" here; did you mean \"file\"?" 's/file: ana/fil: ana/'
sites_not $config "$work/bad-sites.yaml:4:5: the site \"ana\" stands here twice" 's/name: bea/name: ana/'
sites_not $config "there are 2 sites, and the job's quorum is 3" '/cleo/d'
sites_not $config "the name \"Ana!\" is not usable" 's/name: ana/name: "Ana!"/'
refused $absent "$work/nowhere.yaml" panal lab run "$good" --sites "$work/nowhere.yaml" --out "$work/no-lab"
[ ! -e "$work/no-lab" ] || die "a laboratory was begun in spite of a mistake"
mkdir "$work/precious"
echo x >"$work/precious/x"
refused 1 "is not a laboratory of panal; choose another --out" panal lab prepare "$good" \
    --sites "$work/sites.yaml" --out "$work/precious"
[ -e "$work/precious/x" ] || die "a folder that is not a laboratory was emptied"

# --- command lines and the daemons' files
refused $usage "there is no option --jsn; did you mean --json?" panal job check --jsn "$good"
refused $usage "expected 1 file name, seen 2" panal job check "$good" "$good"
refused $usage "there is no \`panal jop\`; did you mean \`panal job\`?" panal jop check
refused $usage "chek" panal job chek
say_must "$work/said" "check"
refused $usage "there is no option --sead; did you mean --seed?" panal-sim run "$good" --sead 3
for daemon in panal-node panal-coordinator; do
    refused $usage "there is no option --confg; did you mean --config?" $daemon --confg x
    refused $usage "expected options only, seen \"extra\"" $daemon extra
    refused $usage "--log-level: expected error, warn, info or debug, seen \"loud\"" $daemon --log-level loud
    refused $absent "cannot open $work/none.yaml" $daemon --config "$work/none.yaml"
    accepted $daemon --help
    accepted $daemon --version
done
refused $usage "--silence: expected a time such as 1500ms, 30s or 5m from 1s to 1h, seen \"1\"" \
    panal-coordinator --silence 1
prepare
lab=$work/lab
node_not() { # CODE WORDS SED-SCRIPT: ana's node.yaml, so changed
    sed "$3" "$lab/ana/node.yaml" >"$lab/ana/bad.yaml"
    refused "$1" "$2" panal-node --config "$lab/ana/bad.yaml"
}
in_bad=$lab/ana/bad.yaml
node_not $config "$in_bad:4:7: there is no option kays; did you mean keys?" 's/^keys:/kays:/'
node_not $config "$in_bad:7:3: there is no key \"fils\" here; did you mean \"file\"?" 's/^  files:/  fils:/'
node_not $config "$in_bad:5:8: state: expected one value" 's/^state:.*/state: [a]/'
node_not $config "$in_bad:3:7: trust: expected a text, seen nothing" 's/^trust:.*/trust:/'
node_not $config "no data: a node needs --config node.yaml with a \`data:\` section" '/^data:/,$d'
node_not $config "$in_bad:9:11: there is no key \"cohrt\" here; did you mean \"cohort\"?" '$apolicy: { cohrt: 3 }'
node_not $config "$in_bad:9:20: columns: an empty list would refuse every job" '$apolicy: { columns: [] }'
node_not $config "$in_bad:9:17: jobs: expected 64 hexadecimal digits" '$apolicy: { jobs: [abc] }'
node_not $config "$in_bad:9:12: heartbeat: expected a time such as 1500ms" '$aheartbeat: 5 weeks'
node_not $absent "$lab/ana/none.yaml" 's/^federation:.*/federation: none.yaml/'
node_not $absent "$lab/ana/none/node.key" 's/^keys:.*/keys: none/'
refused $config "no data: a node needs --config node.yaml" panal-node --config "$lab/hub/coordinator.yaml"
sed 's/^job:.*/job: none.yaml/' "$lab/hub/coordinator.yaml" >"$lab/hub/bad.yaml"
refused $absent "$lab/hub/none.yaml" panal-coordinator --config "$lab/hub/bad.yaml"
sed 's/^listen:.*/listen: 127.0.0.1/' "$lab/hub/coordinator.yaml" >"$lab/hub/bad.yaml"
refused $config "an address looks like tcp://127.0.0.1:7400, not like" \
    panal-coordinator --config "$lab/hub/bad.yaml"

# --- what shows only in a run. short_job QUORUM: nobody waits long for who does not come.
short_job() {
    make_job 2 "$1"
    sed -i -e 's/gather: 60s/gather: 2s/' -e 's/attempts: 5/attempts: 2/' "$work/job.yaml"
    prepare
    hub_log=$lab/hub/log
}
add_to() { # SITE LINE: to its node.yaml
    echo "$2" >>"$lab/$1/node.yaml"
}
# run_fails WORDS: the coordinator ends with 1 and the reason; whoever is still there is stopped.
run_fails() {
    start_hub
    start_nodes
    wait_for 30 is_gone "$hub" || die "the coordinator does not end"
    ended_with=0
    wait "$hub" 2>/dev/null || ended_with=$?
    hub=""
    [ "$ended_with" -eq 1 ] || die "the coordinator of a run that failed ended with $ended_with"
    say_must "$hub_log" "event=end outcome=failed text=\"$1"
    for pid in $nodes; do
        kill -TERM "$pid" 2>/dev/null || true
        wait_for 10 is_gone "$pid" || die "a node does not stop"
    done
    nodes=""
}
run_ends() {
    start_hub
    start_nodes
    end_hub
    end_nodes
    accepted panal ledger verify "$lab/hub/state" --roster "$lab/federation.yaml"
}

# One site refuses: its sentence reaches the coordinator, and the run goes on without it.
short_job 2
add_to cleo 'policy: { columns: [a, b, y] }'
run_ends
say_must "$hub_log" 'node=cleo event=refused text="this site does not let a job read the column c"'
say_must "$lab/cleo/log" "this site does not let a job read the column c"
say_must "$hub_log" "round=2 attempt=1 event=commit height=2 members=2"

# Two refuse: too few are left, and the run says so. No block was written, so nothing is half done.
short_job 2
add_to ana 'policy: { parameters: 10 }'
add_to bea 'policy: { cohort: 3 }'
run_fails "fewer nodes than a quorum joined"
say_must "$hub_log" 'node=ana event=refused text="this site allows at most 10 parameters, the model has 41"'
say_must "$hub_log" "node=bea event=refused text=\"this site joins sums of at least 3 members, the job's quorum is 2\""
refused $absent "the ledger has no block yet" panal ledger verify "$lab/hub/state" --roster "$lab/federation.yaml"

# Records that spoil after `data check`: the site's log says where, the coordinator hears nothing of it.
short_job 2
cp "$work/ana.csv" "$work/whole.csv"
sed -i '3s/^[^,]*,/4711secret,/' "$work/ana.csv"
run_ends
say_must "$lab/ana/log" "ana.csv:3:1: column"
say_must "$lab/ana/log" "4711secret"
say_must "$hub_log" "node=ana event=refused"
say_must_not "$hub_log" "4711secret"
say_must_not "$hub_log" "ana.csv"
mv "$work/whole.csv" "$work/ana.csv"

# A column that has one value everywhere cannot be standardised.
short_job 3
for site in $sites; do
    awk -F, 'NR == 1 { print; next } { print $1 ",5," $3 "," $4 }' "$work/$site.csv" >"$work/new.csv"
    mv "$work/new.csv" "$work/$site.csv"
done
run_fails 'column \"b\": every training record of every site has the same value; take the column out'
refused 1 'the run failed: column "b": every training record of every site has the same value' \
    panal lab run "$work/job.yaml" --sites "$work/sites.yaml" --out "$lab" --no-compare

# One class only at one site: it trains, and what cannot be measured there is not made up.
short_job 3
sed -i '2,$s/,[01]$/,0/' "$work/bea.csv"
run_ends
say_must "$lab/bea/log" "auroc nan"
say_must_not "$hub_log" "auroc nan"
echo "ok: every mistake has its sentence and its exit code"
