# shellcheck shell=sh
# tests/e2e/swarm -- a small swarm of real daemons for the scripts beside this one.
#
#   BIN=$1
#   sites="ana bea cleo dora"
#   . "$(dirname "$0")/swarm.sh"
#
# What federation.sh gives, and a swarm in place of a coordinator and its nodes. Every member listens at a
# loopback address of its own.

members=${sites:?names of the members}
# shellcheck source=tests/e2e/federation.sh
. "$(dirname "$0")/federation.sh"
sites=$members
# shellcheck disable=SC2086 # a list of names
first=${sites%% *}

# make_swarm_job ROUNDS QUORUM [EPOCHS]: as make_job; all of $sites are the cohort, and who is away for a
# second is not waited for where the quorum allows it.
make_swarm_job() {
    make_job "$@"
    # shellcheck disable=SC2086 # a list of names
    set -- $sites
    sed -i -e "s/cohort: 3/cohort: $#/" -e 's/invite: 60s/invite: 1s/' "$work/job.yaml"
}

# Keys, signed roster, configurations of a swarm; nothing runs yet.
prepare_swarm() {
    panal lab prepare "$work/job.yaml" --sites "$work/sites.yaml" --out "$work/lab" --mode swarm >/dev/null
    nodes=""
    for site in $sites; do
        : >"$work/lab/$site/log"
        eval "pid_$site="
    done
}

# sign_roster SED-SCRIPT: the roster, so changed, and signed anew; nobody has seen the other.
sign_roster() {
    rm -rf "$work"/lab/*/state
    roster=$work/lab/federation.yaml
    sed -E -i "$1" "$roster"
    for signature in "$roster".*.minisig; do
        signer=${signature%.minisig}
        signer=${signer##*.}
        rm "$signature"
        panal roster sign "$roster" --keys "$work/lab/$signer/keys" >/dev/null
    done
}

# start_member NAME [PREFIX...]: in the background; its number is pid_NAME and in $nodes.
start_member() {
    name=$1
    shift
    "$@" "$BIN/panal-node" --config "$work/lab/$name/node.yaml" --once >>"$work/lab/$name/log" 2>&1 &
    node=$!
    nodes="$nodes $node"
    eval "pid_$name=$node"
}
start_swarm() {
    for site in $sites; do start_member "$site"; done
}
pid_of() {
    eval "echo \$pid_$1"
}

# kill_member NAME: kill -9, and it is no longer among $nodes; false when it had ended by itself.
kill_member() {
    target=$(pid_of "$1")
    kill -9 "$target" 2>/dev/null || true
    code=0
    wait "$target" 2>/dev/null || code=$?
    left=""
    for pid in $nodes; do [ "$pid" = "$target" ] || left="$left $pid"; done
    nodes=$left
    eval "pid_$1="
    [ "$code" -eq 137 ]
}

# has_block NAME HEIGHT: the member committed it, in any of its lives.
has_block() {
    grep -q "event=committed height=$2 " "$work/lab/$1/log"
}
# The number of blocks that a member says it holds.
blocks_of() {
    sed -n 's/.*event=committed height=\([0-9]*\) .*/\1/p' "$work/lab/$1/log" | sort -n | tail -n 1 |
        awk '{ n = $1 + 1 } END { print n + 0 }'
}

# ledger_of NAME: "HEAD MODEL BLOCKS" of its directory, proved.
ledger_of() {
    panal ledger verify "$work/lab/$1/state" --roster "$work/lab/federation.yaml" --json >"$work/proof" || {
        cat "$work/proof"
        die "the ledger of $1 does not verify"
    }
    sed -n 's/.*"head": *"\([^"]*\)".*/\1/p; s/.*"model": *"\([^"]*\)".*/\1/p; s/.*"blocks": *\([0-9]*\).*/\1/p' \
        "$work/proof" | tr '\n' ' '
}

# end_swarm [MODEL]: everybody ends with 0 and holds the same proved ledger; its last model is MODEL.
end_swarm() {
    for pid in $nodes; do
        wait_for "${patience:-60}" is_gone "$pid" || die "a member does not end"
        ended_with=0
        wait "$pid" 2>/dev/null || ended_with=$?
        [ "$ended_with" -eq 0 ] || die "a member ended with $ended_with"
    done
    nodes=""
    all=$(ledger_of "$first")
    for site in $sites; do
        [ "$(ledger_of "$site")" = "$all" ] || die "$first holds $all, $site holds $(ledger_of "$site")"
    done
    [ $# -eq 0 ] || case $all in
    *" $1 "* | "$1 "*) ;;
    *) die "the swarm ended with $all, expected the model $1" ;;
    esac
}

# expected_swarm_model: of an undisturbed swarm with this job.
expected_swarm_model() {
    prepare_swarm
    start_swarm
    end_swarm
    panal ledger verify "$work/lab/$first/state" --roster "$work/lab/federation.yaml" --json |
        sed -n 's/.*"model": *"\([^"]*\)".*/\1/p'
}
