#!/bin/sh
# `panal ledger verify` on a ledger that somebody changed afterwards: it fails, and names the block or file.
#
#   tamper.sh BIN
set -eu
BIN=$1
# shellcheck source=tests/e2e/federation.sh
. "$(dirname "$0")/federation.sh"

make_job 3 3
prepare
start_hub
start_nodes
end_hub
end_nodes
whole=$work/lab/hub/state
roster=$work/lab/federation.yaml

verify() { # the copy under test
    accepted panal ledger verify "$copy" --roster "$roster" "$@"
}
# verify_not CODE WORDS OPTIONS...: the copy is refused, and the sentence has the words.
verify_not() {
    code=$1
    words=$2
    shift 2
    refused "$code" "$words" panal ledger verify "$copy" --roster "$roster" "$@"
    say_must "$work/said" "$copy: NOT verified"
}
fresh() {
    copy=$work/copy
    rm -rf "$copy"
    cp -r "$whole" "$copy"
}
# flip FILE OFFSET: another byte there.
flip() {
    byte=$(od -An -j "$2" -N1 -tu1 "$1")
    printf '%b' "\\0$(printf '%o' $((byte ^ 64)))" |
        dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}
u32() { # FILE OFFSET, little-endian, on any machine
    # shellcheck disable=SC2046 # four numbers
    set -- $(od -An -j "$2" -N4 -tu1 "$1")
    echo $(($1 + $2 * 256 + $3 * 65536 + $4 * 16777216))
}

fresh
verify
say_must "$work/said" "ledger verified: 5 blocks, 3 rounds, the run is closed"
say_must "$work/said" "3 of 3 rounds recomputed"
head=$(panal ledger verify "$whole" --roster "$roster" --json | sed -n 's/.*"head": *"\([^"]*\)".*/\1/p')
verify --head "$head"
verify_not 1 "block 0123456789abcdef... is not among its 5 blocks" \
    --head 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef

# --- the ledger file: a byte of every block, of its frame and of its payload
segment=ledger/000000000000.seg
size=$(wc -c <"$whole/$segment")
at=16
blocks=0
while [ "$at" -lt "$size" ]; do
    length=$(u32 "$whole/$segment" "$at")
    for place in 0 4 8 72 $((8 + length - 1)) $((8 + length + 31)); do
        fresh
        flip "$copy/$segment" $((at + place))
        verify_not 1 "$segment is damaged at offset"
    done
    last=$at
    at=$((at + 8 + length + 32))
    blocks=$((blocks + 1))
done
[ "$blocks" -eq 5 ] || die "the ledger file has $blocks blocks"
fresh
flip "$copy/$segment" 3
verify_not 1 "it does not begin as a segment"

# Whoever can also make the checksums right meets the signatures: a record with another's payload.
if command -v python3 >/dev/null; then
    fresh
    "$here/forge_record.py" "$copy/$segment" 2
    verify_not 5 "block 2: it is not signed by hub"
    forged="forged records too"
else
    forged="no python3, so no forged records"
fi

# --- the end cut off: what remains is a true beginning, and verify says that it is open
fresh
dd if="$whole/$segment" of="$copy/$segment" bs="$last" count=1 2>/dev/null
verify
say_must "$work/said" "4 blocks, 3 rounds, the run is not closed"
verify_not 1 "is not among its 4 blocks: it is another ledger, or its end was cut off" --head "$head"
fresh
rm "$copy/$segment"
verify_not 4 "the ledger has no block yet"

# --- models and updates
for folder in models updates; do
    for file in "$whole/$folder"/*; do
        fresh
        flip "$copy/$folder/${file##*/}" 5
        verify_not 1 "$folder/${file##*/}: its bytes do not hash to its name"
        say_must "$work/said" "block "
    done
done
# An update in the place of another: two files under each other's name.
# shellcheck disable=SC2012 # names of ours
first=$(ls "$whole/updates" | head -n 1)
# shellcheck disable=SC2012
second=$(ls "$whole/updates" | tail -n 1)
fresh
cp "$copy/updates/$first" "$copy/updates/$second"
verify_not 1 "updates/$second: its bytes do not hash to its name"

# --- a roster of somebody else
panal lab prepare "$work/job.yaml" --sites "$work/sites.yaml" --out "$work/other" >/dev/null
fresh
roster=$work/other/federation.yaml
verify_not 1 "block 0: "
roster=$work/lab/federation.yaml
refused 2 "--roster is needed" panal ledger verify "$copy"
refused 4 "NOT verified" panal ledger verify "$work/nowhere" --roster "$roster"

# --- without the updates the chain still holds, and verify says what it could not do
fresh
rm -r "$copy/updates"
verify
say_must "$work/said" "0 of 3 rounds recomputed"
say_must "$work/said" " 3 spot-checked: "
fresh
rm -r "$copy/models"
verify
say_must "$work/said" "the others are no longer kept"
say_must "$work/said" " 3 by hash only: "

# --- nothing of all this has touched the original
copy=$whole
verify
echo "ok: every change is found and named; $forged"
