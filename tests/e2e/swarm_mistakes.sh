#!/bin/sh
# What people and their files do to a swarm: three members with `quorum: majority`, another job on one member,
# a member that is not in the others' roster, an expired roster, a state directory put back from an older copy,
# options of the other mode. Each has its sentence and its exit code, and the others go on.
#
#   swarm_mistakes.sh BIN
set -eu
BIN=$1
sites="ana bea cleo dora"
# shellcheck source=tests/e2e/swarm.sh
. "$(dirname "$0")/swarm.sh"
export PANAL_HEARTBEAT=500ms # who is silent for 4 s is away
usage=2 config=3 absent=4
lab=$work/lab
# hears NAME WORDS: they come to stand in its log.
hears() {
    wait_for 40 says "$lab/$1/log" "$2" || die "$1 does not say \"$2\""
}
# goes_on NAME: it gets blocks that it has not now.
goes_on() {
    wait_for 60 has_block "$1" $(($(blocks_of "$1") + 2)) || die "$1 does not go on"
}
# save_state NAME COPY, put_state NAME COPY: its directory.
save_state() { cp -r "$lab/$1/state" "$work/$2"; }
put_state() {
    rm -r "$lab/$1/state"
    mv "$work/$2" "$lab/$1/state"
}

# --- before anything runs
make_swarm_job 1000 3
prepare_swarm
accepted panal-node --help
say_must "$work/said" "of a swarm: the job"
refused $config "a swarm has no coordinator" panal-node --config "$lab/ana/node.yaml" --connect tcp://127.0.0.1:7400
refused $absent "$lab/none.yaml" panal-node --config "$lab/ana/node.yaml" --job "$lab/none.yaml"
sed '/^job:/d' "$lab/ana/node.yaml" >"$lab/ana/bad.yaml"
refused $config "no job: a member of a swarm needs --job" panal-node --config "$lab/ana/bad.yaml"
refused $config "--mode: expected coordinator or swarm" panal lab run "$work/job.yaml" --sites "$work/sites.yaml" --mode swam
panal lab prepare "$work/job.yaml" --sites "$work/sites.yaml" --out "$work/hub-lab" >/dev/null
refused $config "only a member of a swarm has it" panal-node --config "$work/hub-lab/ana/node.yaml" --job "$work/job.yaml"
refused $usage "did you mean --mode" panal lab run "$work/job.yaml" --mod swarm
cp "$lab/federation.yaml" "$work/kept.yaml"
sign_roster 's|tcp://127[0-9.]*|tcp://node.example|' # a name, or an address outside; both cannot be listened at
refused 6 "say --listen" panal-node --config "$lab/ana/node.yaml"
cp "$work/kept.yaml" "$lab/federation.yaml"
sign_roster 's/^(issued: )2026/\12020/; s/^(expires: )2026/\12021/'
refused 5 "expired" panal-node --config "$lab/ana/node.yaml"
cp "$work/kept.yaml" "$lab/federation.yaml"
sign_roster 's/^$//'

# --- a member's policy refuses the job: the others hear of it, and do not wait
cp "$lab/dora/node.yaml" "$work/node.yaml"
echo 'policy: { parameters: 10 }' >>"$lab/dora/node.yaml"
for site in ana bea dora; do start_member $site; done
hears dora "event=refused"
start_member cleo env PANAL_LISTEN="$(sed -n '/name: cleo/,/endpoint/s/.*endpoint: "\(.*\)".*/\1/p' "$lab/federation.yaml")"
for site in ana bea; do
    hears $site 'event=lost member=dora text="this site allows at most 10 parameters, the model has 41"'
    goes_on $site
done
# It holds every model all the same, and so goes on to make blocks and to check them.
dora_leads() { grep -qE 'event=committed height=[4-9][0-9] proposer=dora' "$lab/ana/log"; }
wait_for 60 dora_leads || die "dora, who does not contribute, makes no blocks"
for site in $sites; do kill_member "$site" || die "$site was over already"; done
mv "$work/node.yaml" "$lab/dora/node.yaml"
rm -rf "$lab"/*/state
for site in $sites; do : >"$lab/$site/log"; done

# --- another job on one member
sed 's/rate: 0.1/rate: 0.2/' "$lab/job.yaml" >"$lab/other.yaml"
for site in ana bea cleo; do start_member $site; done
start_member dora env PANAL_JOB="$lab/other.yaml"
hears ana "event=rejected member=dora"
hears dora "it runs another job"
hears dora "too few members to decide"
[ "$(grep -c event=rejected "$lab/ana/log")" -le 2 ] || die "ana says it over and over"
goes_on ana
kill_member dora || die "dora was over already"
start_member dora
goes_on dora
# And where the directory holds the run of the one job already.
kill_member dora || die "dora was over already"
refused $config "holds the run of another job" panal-node --config "$lab/dora/node.yaml" --job "$lab/other.yaml"

# --- a state directory put back from an older copy
save_state dora older
for life in 1 2; do
    start_member dora
    goes_on dora
    kill_member dora || die "dora was over already in life $life"
done
save_state dora newer
save_state dora mixed
put_state dora mixed
rm "$lab/dora/state/ledger"/*.seg # only its ledger is older
cp "$work/older/ledger"/*.seg "$lab/dora/state/ledger/"
refused 1 "an older copy was put back" panal-node --config "$lab/dora/node.yaml" # its summit tells
put_state dora older
start_member dora
hears ana "an older copy of its state directory was put back" # all of it is older: the others know
goes_on ana
kill_member dora || die "dora was over already"
put_state dora newer
start_member dora
goes_on dora
for site in $sites; do kill_member "$site" || die "$site was over already"; done

# --- quorum: majority, one of three is killed: two go on, and everybody has read what that is worth
sites="ana bea cleo"
make_swarm_job 1000 2
prepare_swarm
sign_roster 's/^quorum: bft/quorum: majority/'
start_swarm
wait_for 60 has_block ana 1 || die "block 1 does not come"
kill_member cleo || die "cleo was over already"
goes_on ana
start_member cleo
goes_on cleo
for site in $sites; do hears "$site" "one dishonest member can fork; forks are detected, not prevented"; done
for site in $sites; do kill_member "$site" || die "$site was over already"; done

# --- without it two of three wait; and a member of an older roster, which the others do not know
sites="ana bea cleo dora"
make_swarm_job 1000 2
prepare_swarm
cp -r "$lab" "$work/old"
sed -i "s|^federation:.*|federation: $work/old/federation.yaml|" "$lab/dora/node.yaml"
sed -i -e '/^  - dora$/d' -e '/^  - name: dora/,$d' "$lab/federation.yaml"
sign_roster 's/^$//'
fingerprint=$(panal roster show "$lab/federation.yaml" | sed -n 's/.*\(SHA256:[A-Za-z0-9+\/]*\).*/\1/p' | head -n 1)
for site in ana bea cleo; do sed -i "s|^trust:.*|trust: $fingerprint|" "$lab/$site/node.yaml"; done
start_member ana
start_member bea
start_member dora
hears ana "event=strangers"
hears dora "too few members to decide"
hears ana "too few members to decide"
! has_block ana 0 || die "two of three decided"
start_member cleo
goes_on ana
echo "ok: every mistake has its sentence, and the others go on"
