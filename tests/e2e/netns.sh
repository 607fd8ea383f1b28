#!/bin/sh
# Links that go down in the middle of a run: the coordinator and the nodes live in network namespaces of this
# test; a cable is pulled, then packets vanish in a black hole, for longer than the coordinator believes in
# a silent node. The run ends with the model of an undisturbed one.
#
#   netns.sh BIN     needs root
set -eu
BIN=$1
# shellcheck source=tests/e2e/federation.sh
. "$(dirname "$0")/federation.sh"

[ "$(id -u)" -eq 0 ] || skip "only root may make network namespaces"
command -v ip >/dev/null || skip "there is no ip command (package iproute2)"
near=panal-$$-hub left=panal-$$-left right=panal-$$-right
at_end() {
    for space in "$near" "$left" "$right"; do ip netns del "$space" 2>/dev/null || true; done
}
ip netns add "$near" 2>/dev/null || skip "network namespaces are not allowed here"
ip netns exec "$near" true 2>/dev/null || skip "programs may not enter network namespaces here"
ip netns add "$left"
ip netns add "$right"
# Two cables, from the coordinator's namespace to each of the nodes'. Addresses are private to them.
cable() { # NAME SPACE NETWORK
    ip -n "$near" link add name "$1" type veth peer name far netns "$2" || skip "veth devices are not allowed here"
    ip -n "$near" addr add "$3.1/30" dev "$1"
    ip -n "$2" addr add "$3.2/30" dev far
    ip -n "$near" link set "$1" up
    ip -n "$2" link set far up
}
ip -n "$near" link set lo up
cable to-left "$left" 10.77.1
cable to-right "$right" 10.77.2

export PANAL_LOG_LEVEL=debug # a line for every phase
export PANAL_SILENCE=2s PANAL_HEARTBEAT=500ms
cut=6

make_job 6 3 8000 # a round takes about half a second
expected=$(expected_model)
[ -n "$expected" ] || die "the simulator gives no model"
prepare
listen_on=0.0.0.0
start_hub ip netns exec "$near"
dial=10.77.1.1
start_node ana ip netns exec "$left"
dial=10.77.2.1
start_node bea ip netns exec "$right"
start_node cleo ip netns exec "$right"
trains_in() { grep -q "round=$1 .*phase=train" "$work/lab/hub/log"; }

wait_for 30 trains_in 2 || die "round 2 does not begin"
ip -n "$near" link set to-left down
sleep $cut
says "$work/lab/hub/log" "node=ana event=disconnected" || die "the coordinator has not missed ana"
trains_in 4 && die "the run went on without ana, although its quorum is 3"
ip -n "$near" link set to-left up

wait_for 30 trains_in 4 || die "the run does not go on after the first cut"
ip -n "$right" route add blackhole 10.77.2.1/32
sleep $cut
says "$work/lab/hub/log" "node=bea event=disconnected" || die "the coordinator has not missed bea"
ip -n "$right" route del blackhole 10.77.2.1/32

end_hub
end_nodes
model=$(final_model)
[ "$model" = "$expected" ] || die "model $model, expected $expected"
echo "ok: two links cut for $cut s each, and still $expected"
