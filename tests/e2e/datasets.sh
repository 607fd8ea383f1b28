#!/bin/sh
# `panal data check` reads every real dataset through its section in examples/data.
#
#   datasets.sh BIN     $PANAL_DATA: the folder of the datasets (default: ../shared/data beside the sources)
set -eu
BIN=$1
# shellcheck source=tests/e2e/federation.sh
. "$(dirname "$0")/federation.sh"

PANAL_DATA=${PANAL_DATA:-$here/../../../shared/data}
export PANAL_DATA
[ -d "$PANAL_DATA" ] || skip "no $PANAL_DATA; PANAL_DATA must name the folder of the datasets"

count=0
for section in "$here"/../../examples/data/*.yaml; do
    accepted panal data check "$section"
    say_must "$work/said" "records, usable"
    count=$((count + 1))
done
[ "$count" -ge 16 ] || die "only $count sections in examples/data"

# Another file of the same kind, and what does not fit.
accepted panal data check "$here/../../examples/data/cifar.yaml" --file "$PANAL_DATA/cifar10-5000/test1000.bin.gz" --json
say_must "$work/said" '"records": 1000'
refused 8 "is this a file of CIFAR-10?" panal data check "$here/../../examples/data/cifar.yaml" \
    --file "$PANAL_DATA/tinyshakespeare/input.txt"
refused 8 "this is no ZIP archive" panal data check "$here/../../examples/data/pneumonia.yaml" \
    --file "$PANAL_DATA/mnist/t10k-labels-idx1-ubyte.gz"
refused 8 "names others" panal data check "$here/../../examples/data/pneumonia.yaml" \
    --file "$PANAL_DATA/pneumoniamnist-balanced/pneumoniamnist.npz"
grep -v '^source' "$here/../../examples/data/german.yaml" >"$work/section.yaml"
refused 3 "say where the data is" panal data check "$work/section.yaml"
echo "ok: $count sections"
