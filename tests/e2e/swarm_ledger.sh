#!/bin/sh
# A swarm's ledger as people use it: what `panal ledger verify` can still say of rounds whose updates are gone; where
# two members' ledgers part, and who signed both (`panal ledger diff`); who took part in a round, who did not and why,
# by which rule, at what cost, and what came out (`panal ledger show`).
#
#   swarm_ledger.sh BIN
set -eu
BIN=$1
sites="ana bea cleo dora"
# shellcheck source=tests/e2e/swarm.sh
. "$(dirname "$0")/swarm.sh"
lab=$work/lab

# --- four members, of whom each keeps something else
make_swarm_job 5 4
prepare_swarm
sed -i 's/^keep-updates: 0/keep-updates: 1\nkeep-models: 0/' "$lab/ana/node.yaml"
sed -i 's/^keep-updates: 0/keep-updates: 1\nkeep-models: 4/' "$lab/bea/node.yaml"
sed -i '/^keep-updates: 0/d' "$lab/cleo/node.yaml"
start_swarm
end_swarm

# rounds_of NAME: how many were recomputed, spot-checked, and by hash only.
rounds_of() {
    panal ledger verify "$lab/$1/state" --roster "$lab/federation.yaml" --json |
        sed -n 's/.*"aggregates_[a-z_]*": *\([0-9]*\).*/\1/p' | tr '\n' ' '
}
keeps() {
    [ "$(rounds_of "$1")" = "$2 " ] || die "$1 should keep $2, and keeps $(rounds_of "$1")"
}
keeps ana "0 5 0" # "rounds" are blocks: the finish block is the newest
keeps bea "0 2 3"
keeps cleo "1 0 4"
keeps dora "5 0 0"
accepted panal ledger verify "$lab/ana/state" --roster "$lab/federation.yaml"
say_must "$work/said" "0 of 5 rounds recomputed"
say_must "$work/said" "5 spot-checked: updates are no longer kept"
accepted panal ledger verify "$lab/bea/state" --roster "$lab/federation.yaml"
say_must "$work/said" "3 by hash only: a model before or after them is no longer kept"

# --- show: as text, as JSON, as a page
find_verifier
roster=$lab/federation.yaml
show() { panal ledger show "$lab/ana/state" --roster "$roster" "$@"; }
show --round 3 >"$work/said"
[ "$(grep -c '^block ' "$work/said")" -eq 1 ] || die "show --round 3 does not show one block"
for words in "round 3, attempt 1" "ana              120 records  update norm " "dora             120 records  update norm " \
    "rule             weighted mean of 4 updates" "privacy budget   none" "auroc            0."; do
    say_must "$work/said" "$words"
done
model=$(sed -n 's/^ *model  *\([0-9a-f]\{64\}\)$/\1/p' "$work/said")
[ -s "$lab/ana/state/models/$model" ] || die "the model that show names is not the one that ana keeps: $model"
refused 4 "round 9 is not in this ledger" panal ledger show "$lab/ana/state" --roster "$roster" --round 9
show --json --html "$work/page.html" >"$work/shown"
"$python" - "$work/shown" "$work/page.html" "$model" <<'PY' || die "JSON or page lack something"
import json, re, sys
with open(sys.argv[1], encoding="utf-8") as shown, open(sys.argv[2], encoding="utf-8") as file:
    blocks, page, model = json.load(shown)["blocks"], file.read(), sys.argv[3]
third = blocks[3]
assert third["round"] == 3 and third["model"] == model and third["rule"] == "weighted mean", third
assert [m["name"] for m in third["took_part"]] == ["ana", "bea", "cleo", "dora"], third
assert all(m["records"] == 120 and m["norm"] > 0 for m in third["took_part"]), third
assert third["absent"] == third["dropped"] == [] and third["privacy_budget_spent"] == "none", third
# Nothing is loaded, whoever opens it; and it says the same.
assert "default-src 'none'" in page and not re.search(r"<script|src=|href=|https?:|@import|url\(", page)
assert page.count("<rect x=") - page.count("class='frame'") == len(blocks) == 7 and page.count("<line ") == 6
rows = re.findall(r"<tr><td>\d+<br><code.*?</tr>", page, re.S)
assert len(rows) == 7 and model in rows[3] and third["hash"] in rows[3], rows
for words in "round 3<br>", "<span>cleo 120</span>", "weighted mean<br>none", "auroc 0.", "view 1":
    assert words in rows[3], (words, rows[3])
assert "<h2>Members</h2>" in page and "<td>1</td><td>0</td><td>as the ledger begins</td>" in page
PY

# Nothing of a ledger is shown before all of it is proved: here the votes for the newest block are gone.
cp -r "$lab" "$work/voteless"
rm "$work/voteless/ana/state/certificate."*
! panal ledger show "$work/voteless/ana/state" --roster "$roster" >"$work/said" 2>/dev/null || die "shown without votes"
[ ! -s "$work/said" ] || die "blocks were printed of a ledger that does not verify"

# Somebody was dropped in round 5, and somebody was away: signed by everybody, and nothing kept says otherwise.
cp -r "$lab" "$work/dropped"
rm -r "$work/dropped/ana/state/models"
(cd "$here" && "$python" -B -c 'import corrupt, sys
lab = corrupt.Lab(sys.argv[1], "ana")
fields = corrupt.last_round(lab)
corrupt.put_every(fields, corrupt.AT["entries"], corrupt.every(fields, corrupt.AT["entries"])[:2])
corrupt.put_every(fields, corrupt.AT["absent"],
                  [corrupt.encode([[1, lab.number[name], 0], [2, why, 0]]) for name, why in (("cleo", 5), ("dora", 1))])
corrupt.end_round(lab, fields)' "$work/dropped")
accepted panal ledger show "$work/dropped/ana/state" --roster "$roster" --round 5 --html "$work/page.html"
say_must "$work/said" "cleo             dropped: its update is not what it committed to, or above limits.update_norm"
say_must "$work/said" "dora             absent: silent"
say_must "$work/said" "weighted mean of 2 updates"
say_must "$work/page.html" "cleo dropped: its update is not what it committed to, or above limits.update_norm, dora silent"
accepted panal ledger show "$work/dropped/ana/state" --roster "$roster" --round 5 --json
say_must "$work/said" '"rule": "its update is not what it committed to, or above limits.update_norm"'

# --- two of four lie: with the keys of all, another ledger for bea from some height on
view_of() { # HEIGHT: in which ana's block was decided
    panal ledger show "$lab/ana/state" --roster "$roster" |
        sed -n "/^block $(($1 + 1)) /,/^block /s/.*the block before was decided in view \([0-9]*\) by .*/\1/p"
}
# fork HEIGHT VIEW VOTER...: bea's ledger in $fork/bea/state.
fork() {
    fork=$work/fork
    rm -rf "$fork"
    cp -r "$lab" "$fork"
    "$python" -B "$here/fork.py" "$fork" bea "$@"
}
differ() { refused 1 "$@" panal ledger diff "$lab/ana/state" "$fork/bea/state" --roster "$roster"; }

accepted panal ledger diff "$lab/ana/state" "$lab/bea/state" --roster "$roster"
say_must "$work/said" "the same 7 blocks"
voted=$(panal ledger show "$lab/ana/state" --roster "$roster" |
    sed -n '/^block 4 /,/^block /s/.*the block before was decided in view [0-9]* by //p')
view=$(view_of 3)
fork 3 "$view" ana bea dora
accepted panal ledger verify "$fork/bea/state" --roster "$roster" # by itself it is a good ledger
differ "they part at block 3; the 3 before are the same"
say_must "$work/said" "$lab/ana/state"
say_must "$work/said" "signed by $voted, in view $view"
say_must "$work/said" "signed by ana, bea, dora, in view $view"
both=$(echo "$voted" | tr -d , | tr ' ' '\n' | grep -xE 'ana|bea|dora' | tr '\n' ' ' | sed 's/ $//; s/ /, /g')
say_must "$work/said" "signed both: $both"
say_must "$work/said" "two votes of one member in one view contradict each other"
leader=$(sed -n 's/.*proposed by \([a-z]*\) in view.*/\1/p' "$work/said" | sort -u) # one: a view of a height has one
say_must "$work/said" "proposed both: $leader,"
"$python" "$here/../../tools/verify.py" "$fork/bea/state" --roster "$roster" >"$work/out" || die "verify.py refuses the fork"

# In another view: somebody broke its lock, and the votes alone do not show who.
fork 3 $((view + 1)) ana bea cleo
differ "they part at block 3; the 3 before are the same"
say_must "$work/said" "somebody broke its lock"
if grep -q "proposed both" "$work/said"; then die "two leaders proposed, and one is said to have"; fi

# At the head, whose votes lie beside the ledger.
fork 6 1 bea cleo dora
differ "they part at block 6; the 6 before are the same"
say_must "$work/said" "signed by bea, cleo, dora, in view 1"
panal ledger diff "$lab/ana/state" "$fork/bea/state" --roster "$roster" --json >"$work/said" && die "parted, and exit code 0"
say_must "$work/said" '"parted": true'
say_must "$work/said" '"height": 6'
[ "$(grep -c '"signed_in_view": 1' "$work/said")" -eq 2 ] || die "the votes for one of the heads are missing"

# One has more blocks: the heads are no fork.
rm -rf "$fork"
cp -r "$lab" "$fork"
(cd "$here" && "$python" -B -c 'import corrupt, sys
lab = corrupt.Lab(sys.argv[1], "bea")
lab.records.pop()
lab.save()
lab.vote_head()' "$fork")
accepted panal ledger diff "$fork/bea/state" "$lab/ana/state" --roster "$roster"
say_must "$work/said" "the same 6 blocks; $lab/ana/state has 1 more"
refused 4 "$work/none: NOT verified" panal ledger diff "$lab/ana/state" "$work/none" --roster "$roster"

# --- evidence of a double vote outlives a restart: the next block that ana makes shows it
make_swarm_job 200 4
rm -rf "$lab"
prepare_swarm
start_swarm
wait_for 30 has_block ana 6 || die "the swarm does not begin"
for site in $sites; do kill_member "$site" || die "$site was over already"; done
(cd "$here" && "$python" -B -c 'import corrupt, struct, sys
lab = corrupt.Lab(sys.argv[1], "ana")
run, who = corrupt.get(lab.block(0), corrupt.AT["run"]), lab.number["dora"]
votes = b"".join(block + bytes(36) + lab.precommit(who, run, 5, 1, block) for block in (b"a" * 32, b"b" * 32))
lab.write(lab.path("evidence"), struct.pack("<IQII", who, 5, 1, 2) + votes)' "$lab")
start_swarm
wait_for 60 has_block bea 30 || die "the swarm does not go on" # of these ana makes some
accepted panal ledger show "$lab/bea/state" --roster "$roster"
say_must "$work/said" "dora             CONVICTED: signed two votes that contradict each other, block 5 view 1"
forgets() { [ ! -e "$lab/ana/state/evidence" ]; }
wait_for 30 forgets || die "ana keeps evidence that a block shows"
for site in $sites; do kill_member "$site" || true; done
[ "$(panal ledger show "$lab/bea/state" --roster "$roster" | grep -c CONVICTED)" -eq 1 ] || die "convicted more than once"
echo "ok: each ledger says what it can still prove; a fork has its height and its names; evidence is not lost"
