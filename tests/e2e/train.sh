#!/bin/sh
# One machine, one job: a training that is interrupted and resumed ends with the same bits; a file
# that is not what it should be is refused with a sentence.
set -eu
bin=$1
here=$(cd "$(dirname "$0")" && pwd)
job=$here/../../examples/fraud/job.yaml
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

# refused WORDS COMMAND...: the command must fail and say so.
refused() {
    words=$1
    shift
    if "$@" >out 2>&1; then
        fail "accepted: $*"
    fi
    grep -q -- "$words" out || {
        cat out >&2
        fail "the sentence lacks: $words"
    }
}

"$bin/panal" data generate --out data --rows 2000 >/dev/null
train() {
    "$bin/panal" train "$job" --file data/bank-a.csv --epochs 2000 "$@"
}

train --out whole >/dev/null 2>whole.log

# Interrupted, killed, resumed until it is done.
times=0
began=0
while [ "$times" -lt 40 ]; do
    times=$((times + 1))
    resume=$([ -e parts/checkpoint.safetensors ] && echo --resume || true)
    signal=$([ $((times % 2)) -eq 0 ] && echo KILL || echo INT)
    if [ "$times" -gt 6 ]; then
        # shellcheck disable=SC2086 # one word or none
        train --out parts $resume >/dev/null 2>parts.log
        began=1
        break
    fi
    # shellcheck disable=SC2086
    timeout -s "$signal" 0.3 "$bin/panal" train "$job" --file data/bank-a.csv --epochs 2000 --out parts $resume \
        >/dev/null 2>parts.log || true
done
[ "$began" -eq 1 ] || fail "it never ended"
cmp whole/model.safetensors parts/model.safetensors || fail "the resumed training gave another model"

# The model does the same wherever it is asked.
"$bin/panal" evaluate "$job" whole/model.safetensors --file data/bank-b.csv --json >a.json
"$bin/panal" evaluate "$job" parts/model.safetensors --file data/bank-b.csv --json >b.json
cmp a.json b.json
lines=$("$bin/panal" predict "$job" whole/model.safetensors --file data/bank-b.csv | wc -l)
[ "$lines" -eq 2001 ] || fail "expected 2000 predictions and a header, seen $lines lines"
grep -q '<svg' whole/report.html || fail "no curve in the report"
grep -q '"best_epoch"' whole/history.json

# Parts of a batch decide the bits, threads do not; the rate follows the steps.
sed 's/optimiser: adam/schedule: cosine warmup=20, clock: steps, average: 0.9, parts: 4, optimiser: adam/' "$job" >parts.yaml
for threads in 1 2; do
    "$bin/panal" train parts.yaml --file data/bank-a.csv --epochs 5 --threads $threads --out threads$threads \
        >/dev/null 2>threads.log
done
grep -q "in 4 parts by 2 threads" threads.log
cmp threads1/model.safetensors threads2/model.safetensors

# A prediction asks for no target; nor does it change by its absence.
"$bin/panal" predict "$job" whole/model.safetensors --file data/bank-b.csv --out with.csv
target=$(head -1 data/bank-b.csv | tr ',' '\n' | grep -n '^fraud$' | cut -d: -f1)
cut -d, -f"$target" --complement data/bank-b.csv >features.csv
"$bin/panal" predict "$job" whole/model.safetensors --file features.csv --out without.csv
cmp with.csv without.csv
refused 'the header has no column "fraud"' "$bin/panal" evaluate "$job" whole/model.safetensors --file features.csv

# An autoencoder: a record is its own target, a beat that is none has the largest error.
beats=$here/../../examples/heartbeats/job.yaml
awk 'BEGIN { for (r = 0; r < 61; r++) { printf "1"; for (t = 0; t < 140; t++)
    printf " %g", r < 60 ? sin(t / 9 + r / 30) : (t % 2 ? 1 : -1); print "" } }' >beats.txt
head -60 beats.txt >normal.txt
"$bin/panal" data check "$beats" --file normal.txt | grep -q "is its own target"
"$bin/panal" train "$beats" --file normal.txt --epochs 20 --out beats >/dev/null 2>beats.log
"$bin/panal" predict "$beats" beats/model.safetensors --file beats.txt >beats.csv
worst=$(tail -n +2 beats.csv | sort -t, -k2 -g | tail -1 | cut -d, -f1)
[ "$worst" -eq 61 ] || fail "the oddest beat is $worst, not the last"
mean=$(tail -n +2 beats.csv | head -60 | awk -F, '{ s += $2 } END { print s / NR }')
loss=$("$bin/panal" evaluate "$beats" beats/model.safetensors --file normal.txt | sed 's/.*loss \([0-9.]*\).*/\1/')
awk "BEGIN { exit !($mean - $loss < 1e-4 && $loss - $mean < 1e-4) }" ||
    fail "the mean of the scores is $mean, the loss $loss"

# Files that are not what they should be.
head -c 3000 whole/checkpoint.safetensors >parts/checkpoint.safetensors
refused "checkpoint.safetensors: " train --out parts --resume
cp whole/checkpoint.safetensors parts/
printf 'X' | dd of=parts/checkpoint.safetensors bs=1 seek=$(($(wc -c <whole/checkpoint.safetensors) - 2)) \
    conv=notrunc 2>/dev/null
refused "the hash that stands in the file: it is damaged" train --out parts --resume
cp whole/checkpoint.safetensors parts/
refused "expected a checkpoint of the same records" "$bin/panal" train "$job" --file data/bank-b.csv \
    --epochs 2000 --out parts --resume
sed 's/fc1  = dense x 16/fc1  = dense x 17/' "$job" >other.yaml
refused "expected a checkpoint of the same network" "$bin/panal" train other.yaml --file data/bank-a.csv \
    --epochs 2000 --out parts --resume
refused "another architecture" "$bin/panal" evaluate other.yaml whole/model.safetensors \
    --file data/bank-b.csv
head -c 500 whole/model.safetensors >short.safetensors
refused "short.safetensors: " "$bin/panal" evaluate "$job" short.safetensors --file data/bank-b.csv
refused "say where the records are" "$bin/panal" evaluate "$job" whole/model.safetensors
sed 's/optimiser: adam, rate: 0.005/optimiser: sgd, rate: 1000/' "$job" >wild.yaml
refused "training left the finite numbers, first in" "$bin/panal" train wild.yaml \
    --file data/bank-a.csv --out wild
echo "train: ok"
