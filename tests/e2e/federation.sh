# shellcheck shell=sh
# tests/e2e/federation -- a small federation of real daemons for the scripts beside this one.
#
#   BIN=$1
#   . "$(dirname "$0")/federation.sh"
#
# Everything lies in $work, which is removed at the end; only 127.0.0.1 is used; every wait is bounded.

BIN=$(cd "${BIN:?where the programs are}" && pwd)
# shellcheck disable=SC2034 # for the scripts beside this one
here=$(cd "$(dirname "$0")" && pwd)
PATH="$BIN:$PATH"
export PANAL_DUMPABLE=1 # strace must be able to attach
work=$(mktemp -d "${TMPDIR:-/tmp}/panal-e2e.XXXXXX")
hub=""
nodes=""
sites="ana bea cleo"

at_end() { :; } # a script's own cleaning up, before $work is removed

finish() {
    status=$?
    trap - EXIT INT TERM
    # shellcheck disable=SC2086 # a list of numbers
    [ -z "$hub$nodes" ] || kill -9 $hub $nodes 2>/dev/null || true
    if [ "$status" -ne 0 ] && [ "$status" -ne 77 ]; then
        echo "$0 ended with $status; the last words of the daemons:"
        for log in "$work"/lab/*/log; do
            [ -f "$log" ] && echo "--- $log" && tail -n 6 "$log"
        done
    fi
    at_end
    rm -rf "$work"
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM

die() {
    echo "FAILED: $*"
    exit 1
}
skip() {
    echo "SKIPPED: $*"
    exit 77
}

# find_verifier: a python3 that can run tools/verify.py, in $python.
find_verifier() {
    python=""
    for each in python3 /usr/bin/python3; do
        [ -n "$python" ] || ! "$each" -c 'import nacl.bindings' 2>/dev/null || python=$each
    done
    [ -n "$python" ] || skip "no python3 with PyNaCl (Debian: python3-nacl)"
}

# say_must FILE WORDS: the file holds the words.
say_must() {
    grep -qF -- "$2" "$1" || {
        cat "$1"
        die "expected to read \"$2\" above"
    }
}
say_must_not() {
    ! grep -qF -- "$2" "$1" || {
        cat "$1"
        die "expected not to read \"$2\" above"
    }
}

# refused CODE WORDS COMMAND...: the command ends at once with this code and says the words. What it said
# stays in $work/said for more questions.
refused() {
    code=$1
    words=$2
    shift 2
    seen=0
    timeout 20 "$@" >"$work/said" 2>&1 || seen=$?
    [ "$seen" -eq "$code" ] || {
        cat "$work/said"
        die "expected exit code $code, seen $seen: $*"
    }
    say_must "$work/said" "$words"
}

# accepted COMMAND...: the command succeeds; what it said is in $work/said.
accepted() {
    timeout 20 "$@" >"$work/said" 2>&1 || {
        cat "$work/said"
        die "expected success: $*"
    }
}

# make_job ROUNDS QUORUM [EPOCHS]: $work/job.yaml and the records of three sites. An epoch is about a
# millisecond of training.
make_job() {
    cat >"$work/job.yaml" <<JOB
version: 1
name: small
seed: 3
profile: open
model: |
  x    = input 3
  h    = dense x 8 init=xavier
  a    = tanh h
  out  = dense a 1 init=xavier
  loss = bce_logits out
data:
  format: csv
  header: true
  columns:
    - { name: a, type: numeric, scale: standard }
    - { name: b, type: numeric, scale: standard }
    - { name: c, type: numeric, scale: standard }
    - { name: y, type: target, positive: ["1"] }
  split: { validation: 0.2, test: 0.2 }
training: { optimiser: sgd, rate: 0.1, momentum: 0.9, batch: 16, epochs: ${3:-2} }
rounds: { count: $1, cohort: 3, quorum: $2, gather: 60s, invite: 60s, train: 60s, collect: 60s,
          evaluate: 60s, attempts: 5 }
JOB
    {
        echo "version: 1"
        echo "sites:"
    } >"$work/sites.yaml"
    for site in $sites; do
        echo "  - { name: $site, organisation: \"Site $site\", data: { file: $site.csv } }" \
            >>"$work/sites.yaml"
        awk -v s="$site" 'BEGIN { srand(length(s) * 7 + index("abc", substr(s, 1, 1))); print "a,b,c,y"
            for (i = 0; i < 200; i++) { a = rand() * 4 - 2; b = rand() * 10; c = rand()
                printf "%.4f,%.4f,%.4f,%d\n", a, b, c, (a + b / 5 - 1 + rand() > 0.5) } }' \
            >"$work/$site.csv"
    done
}

# A free port below those that the kernel gives to outgoing connections: a node that dials while the
# coordinator is away must not meet itself there.
choose_port() {
    while :; do
        port=$(od -An -N2 -tu2 /dev/urandom)
        port=$((20000 + port % 12000))
        grep -q ":$(printf '%04X' "$port") " /proc/net/tcp || return 0
    done
}

# A laboratory: keys, signed roster, configurations; nothing runs yet.
prepare() {
    panal lab prepare "$work/job.yaml" --sites "$work/sites.yaml" --out "$work/lab" >/dev/null
    choose_port
    nodes=""
    for site in hub $sites; do : >"$work/lab/$site/log"; done
}

listen_on=127.0.0.1
dial=127.0.0.1
# start_hub [PREFIX...]: the coordinator, in the background; false when it ends before it listens.
start_hub() {
    : >"$work/events"
    "$@" "$BIN/panal-coordinator" --config "$work/lab/hub/coordinator.yaml" --events \
        --listen "tcp://$listen_on:$port" --keep-updates 0 >"$work/events" 2>>"$work/lab/hub/log" &
    hub=$!
    tries=0
    until grep -q '"listening"' "$work/events"; do
        tries=$((tries + 1))
        kill -0 "$hub" 2>/dev/null || return 1
        [ "$tries" -lt 400 ] || die "the coordinator does not listen"
        sleep 0.05
    done
}

# start_node NAME [PREFIX...]: sets $node and adds it to $nodes.
start_node() {
    name=$1
    shift
    "$@" "$BIN/panal-node" --config "$work/lab/$name/node.yaml" --connect "tcp://$dial:$port" \
        --once >>"$work/lab/$name/log" 2>&1 &
    node=$!
    nodes="$nodes $node"
}

start_nodes() {
    for site in $sites; do start_node "$site"; done
}

# wait_for SECONDS COMMAND...: until the command succeeds.
wait_for() {
    seconds=$1
    shift
    tries=0
    until "$@"; do
        tries=$((tries + 1))
        [ "$tries" -lt $((seconds * 20)) ] || return 1
        sleep 0.05
    done
}

is_gone() {
    ! kill -0 "$1" 2>/dev/null
}
says() {
    grep -qF -- "$2" "$1"
}

# end_hub [SECONDS]: waits for the coordinator, and fails unless it ended with 0.
end_hub() {
    wait_for "${1:-60}" is_gone "$hub" || die "the coordinator does not end"
    ended_with=0
    wait "$hub" 2>/dev/null || ended_with=$?
    hub=""
    [ "$ended_with" -eq 0 ] || die "the coordinator ended with $ended_with"
}

# end_nodes: waits for every node that is left, and fails unless all ended with 0. $1: a number not to
# ask for, because it was killed.
end_nodes() {
    for pid in $nodes; do
        wait_for 30 is_gone "$pid" || die "a node does not end"
        ended_with=0
        wait "$pid" 2>/dev/null || ended_with=$?
        [ "$ended_with" -eq 0 ] || [ "$pid" = "${1:-}" ] || die "a node ended with $ended_with"
    done
    nodes=""
}

# stop PID: SIGTERM, and it ends with 0.
stop() {
    kill -TERM "$1" 2>/dev/null || true
    wait_for 10 is_gone "$1" || die "a daemon does not end after SIGTERM"
    wait "$1" || die "a daemon ended with $? after SIGTERM"
}

final_model() {
    panal ledger verify "$work/lab/hub/state" --roster "$work/lab/federation.yaml" --json |
        sed -n 's/.*"model": *"\([^"]*\)".*/\1/p'
}

# The model that the simulator ends with: what every undisturbed or disturbed run must give.
expected_model() {
    panal-sim run "$work/job.yaml" --sites "$work/sites.yaml" --json 2>/dev/null |
        sed -n 's/.*"model": *"\([^"]*\)".*/\1/p'
}
