#!/bin/sh
# What is learned on real data, with bands: heart over three seeds beside pooled data, the 2NN on 100 nodes over
# 20 rounds. The whole of it, with more seeds and rounds, is bench/accuracy/bench.py without options.
#
#   accuracy.sh BIN     $PANAL_DATA: the folder of the datasets
set -eu
command -v python3 >/dev/null || { echo "no python3" >&2; exit 77; }
exec "$(dirname "$0")/../../bench/accuracy/bench.py" heart digits --seeds 3 --rounds 20 --short --build "$1/.."
