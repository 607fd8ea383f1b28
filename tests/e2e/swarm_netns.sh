#!/bin/sh
# A swarm of five in network namespaces of this test: it is cut in two and in three (packets vanish in black
# holes), and healed. No two members ever hold different blocks at a height; a side with a quorum goes on, no
# other does; after healing a block comes. And only two are cut from each other: they speak through a third,
# and every round is by all five.
#
#   swarm_netns.sh BIN     needs root
set -eu
BIN=$1
sites="ana bea cleo dora elia"
# shellcheck source=tests/e2e/swarm.sh
. "$(dirname "$0")/swarm.sh"

[ "$(id -u)" -eq 0 ] || skip "only root may make network namespaces"
command -v ip >/dev/null || skip "there is no ip command (package iproute2)"
space() { echo "panal-$$-$1"; }
at_end() {
    for site in switch $sites; do ip netns del "$(space "$site")" 2>/dev/null || true; done
}
ip netns add "$(space switch)" 2>/dev/null || skip "network namespaces are not allowed here"
ip netns exec "$(space switch)" true 2>/dev/null || skip "programs may not enter network namespaces here"
# A bridge, and a cable from it to each member. Addresses are private to them.
ip -n "$(space switch)" link add bridge type bridge || skip "bridges are not allowed here"
ip -n "$(space switch)" link set bridge up
address() { # NAME: of the member
    place=1
    for site_of in $sites; do
        [ "$site_of" != "$1" ] || echo "10.78.0.$place"
        place=$((place + 1))
    done
}
for site in $sites; do
    ip netns add "$(space "$site")"
    ip -n "$(space switch)" link add name "to-$site" type veth peer name far netns "$(space "$site")" ||
        skip "veth devices are not allowed here"
    ip -n "$(space switch)" link set "to-$site" master bridge up
    ip -n "$(space "$site")" addr add "$(address "$site")/24" dev far
    ip -n "$(space "$site")" link set far up
    ip -n "$(space "$site")" link set lo up
done

# cut GROUP...: each a list of names in quotes; members of different groups do not reach each other.
cut() {
    for group; do
        for other; do
            [ "$group" != "$other" ] || continue
            for from in $group; do
                for to in $other; do ip -n "$(space "$from")" route replace blackhole "$(address "$to")/32"; done
            done
        done
    done
}
heal() {
    for from in $sites; do
        for to in $sites; do ip -n "$(space "$from")" route del blackhole "$(address "$to")/32" 2>/dev/null || true; done
    done
}
# The highest of what the members hold.
highest() {
    for name in $sites; do blocks_of "$name"; done | sort -n | tail -n 1
}
has_blocks() { # NAME COUNT
    [ "$(blocks_of "$1")" -ge "$2" ]
}
same_blocks() { # every height was proposed by one member in one view, in all logs
    cat "$work"/lab/*/log | sed -n 's/.*event=committed height=\([0-9]*\) proposer=\([a-z]*\) view=\([0-9]*\) .*/\1 \2 \3/p' |
        sort -u | awk 'seen[$1]++ { print "height", $1, "has two blocks"; bad = 1 } END { exit bad }'
}

export PANAL_HEARTBEAT=500ms # who is silent for 4 s is away
make_swarm_job 1000 3 100
prepare_swarm
sign_roster 's|tcp://127\.[0-9]+\.[0-9]+\.|tcp://10.78.0.|' # each at the place that it has here
for site in $sites; do start_member "$site" ip netns exec "$(space "$site")"; done
wait_for 60 has_blocks ana 3 || die "the swarm does not begin"

slowest=0
# heals WORDS: within a minute everybody has a block that nobody had. A leader that was cut off costs 10 s for its
# view, who is behind asks every second, and a connection that vanished is noticed after 4 s and dialled again.
heals() {
    last=$(highest)
    heal
    began=$(date +%s)
    for site in $sites; do
        wait_for 60 has_blocks "$site" $((last + 1)) || die "after $1: $site has no block past $last"
    done
    took=$(($(date +%s) - began))
    [ "$took" -le "$slowest" ] || slowest=$took
    same_blocks || die "after $1"
}
for groups in "ana bea cleo|dora elia" "ana bea|cleo dora elia" "ana cleo|bea dora|elia"; do
    IFS='|'
    # shellcheck disable=SC2086 # a list of groups
    set -- $groups
    unset IFS
    cut "$@"
    sleep 2
    before=$(highest)
    sleep 4
    [ "$before" -eq "$(highest)" ] || die "$groups: a side without a quorum went on from $before blocks"
    heals "$groups"
done
cut "ana bea cleo dora" "elia"
sleep 2
before=$(highest)
wait_for 60 has_blocks ana $((before + 2)) || die "four of five do not go on without the fifth"
heals "ana bea cleo dora|elia"

# All others reach both.
goes_on_with() { # NAME UPDATES: the newest round of its log
    grep 'event=committed' "$work/lab/$1/log" | tail -n 1 | grep -q "updates=$2 absent=$((5 - $2))"
}
last_way() { # NAME OTHER
    grep "event=[a-z]*connected member=$2" "$work/lab/$1/log" | tail -n 1
}
speaks_through() {
    last_way "$1" "$2" | grep -q " via="
}
speaks_directly() {
    last_way "$1" "$2" | grep "event=connected" | grep -vq " via="
}
cut "ana" "bea"
wait_for 60 speaks_through ana bea || die "ana does not find a way to bea: $(last_way ana bea)"
wait_for 60 speaks_through bea ana || die "bea does not find a way to ana: $(last_way bea ana)"
before=$(highest)
for site in $sites; do
    wait_for 60 has_blocks "$site" $((before + 3)) || die "$site stands still while ana and bea are cut"
    wait_for 60 goes_on_with "$site" 5 || die "ana and bea are cut, and a round has not all five"
done
heals "ana|bea"
wait_for 60 speaks_directly ana bea || die "ana does not speak with bea again by itself: $(last_way ana bea)"

for site in $sites; do
    pid=$(pid_of "$site")
    kill -TERM "$pid"
done
for pid in $nodes; do
    wait_for 20 is_gone "$pid" || die "a member does not stop"
    wait "$pid" || die "a member ended with $?"
done
nodes=""
# Equal bytes as far as the shorter one goes, and all proved.
for site in $sites; do
    ledger_of "$site" >/dev/null
    for other in $sites; do
        cmp "$work/lab/$site/state/ledger/000000000000.seg" "$work/lab/$other/state/ledger/000000000000.seg" \
            >"$work/said" 2>&1 || say_must "$work/said" "EOF on"
    done
done
echo "ok: five cuts, $(highest) blocks, each the same everywhere; $slowest s at most from healing to a block with everybody"
