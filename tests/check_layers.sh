#!/bin/sh
# Foreign headers stay in their rooms, and arrows between rooms point down only (docs/architecture.md).
set -eu
cd "$(dirname "$0")/.."
status=0

say() {
    echo "layers: $*" >&2
    status=1
}

# only ROOM PATTERN: only files of ROOM (a pattern, too) may include PATTERN.
only() {
    found=$(grep -rnE --include='*.[ch]' "#include *[<\"]($2)" . --exclude-dir=build --exclude-dir=.git |
        grep -v "^\./$1/" || true)
    [ -z "$found" ] || say "only $1/ may include $2:
$found"
}
only '\(net\|bench/round\)' 'zmq\.h' # bench/round: what the network alone costs
only crypto 'sodium'
only proto '[a-z_/]*\.pb-c\.h|protobuf-c/'
only '\(nnlib\|bench/train\)' 'cblas\.h|openblas' # bench/train: what BLAS alone reaches
only store 'sqlite3\.h'
only text 'yaml\.h|jansson\.h'
only data 'zlib\.h|png\.h|jpeglib\.h'

# The nominal identity exists in programs of sim/ only, and in tests of many worlds (crypto/suite.h).
found=$(grep -rnE --include='*.[ch]' '#include "crypto/nominal\.h"' . --exclude-dir=build --exclude-dir=.git |
    grep -vE '^\./(crypto/nominal\.c|sim/[a-z]+\.[ch]|tests/unit/test_nominal\.c|tests/cluster/test_swarm_[a-z]+\.c):' || true)
found="$found$(grep -rnE --include=CMakeLists.txt 'LINK.*\bnominal\b' . --exclude-dir=build |
    grep -vE '^\./(crypto|sim)/' || true)"
[ -z "$found" ] || say "only sim/ may use the nominal identity:
$found"

# may ROOM other...: the rooms that ROOM may include, besides itself.
may() {
    room=$1
    shift
    allowed="$room"
    for other in "$@"; do allowed="$allowed|$other"; done
    [ -d "$room" ] || return 0
    found=$(grep -rnE --include='*.[ch]' '#include "[a-z]+/' "$room" |
        grep -vE "#include \"($allowed)/" || true)
    [ -z "$found" ] || say "$room/ may include only: $allowed
$found"
}
may base
may text base
may crypto base
may proto base
may nnlib base
may data base text
may fed base text crypto proto nnlib
may store base crypto
may net base crypto
may engine base text crypto proto nnlib data fed store
may coordinator base text crypto proto nnlib data fed store net engine
may swarm base text crypto proto nnlib data fed store engine
may node base text crypto proto nnlib data fed store net engine swarm

# Decisions do no I/O: no clock, socket, file or thread in fed/.
found=$(grep -nE '#include <(time|unistd|fcntl|pthread|sys/[a-z]+|poll|errno|dirent)\.h>' \
    fed/*.[ch] || true)
found="$found$(grep -nE '\b(FILE|fopen|fprintf|printf|getenv|rand)\b *[(*]' fed/*.[ch] || true)"
[ -z "$found" ] || say "fed/ may not touch files, sockets, time or threads:
$found"

[ "$status" -eq 0 ] && echo "layers: ok"
exit "$status"
