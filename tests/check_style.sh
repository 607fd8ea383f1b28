#!/bin/sh
# The style that a machine can check: format, line length, banned calls, shell scripts.
set -eu
cd "$(dirname "$0")/.."
status=0

say() {
    echo "style: $*" >&2
    status=1
}

sources=$(git ls-files '*.c' '*.h' 2>/dev/null || true)
[ -n "$sources" ] || sources=$(find . -name build -prune -o -name '*.[ch]' -print)

long=$(awk 'length > 100 { print FILENAME ":" FNR }' $sources)
[ -z "$long" ] || say "lines over 100 columns:
$long"

banned=$(grep -nE '\b(strcpy|strcat|sprintf|gets|strtok|atoi|atof|system|alloca|rand|srand)\(' \
    $sources || true)
[ -z "$banned" ] || say "banned calls:
$banned"

memcmp=$(grep -nE '\bmemcmp\(' crypto/*.c || true)
[ -z "$memcmp" ] || say "comparisons in crypto/ go through sec_equal:
$memcmp"

todo=$(grep -nE '\b(TODO|FIXME|XXX)\b' $sources || true)
[ -z "$todo" ] || say "unfinished business:
$todo"

# Our own words (design.md, vocabulary).
words=$(grep -niE '\b(shareable|learner)\b' $sources || true)
[ -z "$words" ] || say "words that this project does not use:
$words"

if command -v shellcheck >/dev/null; then
    shellcheck -x -S warning scripts/* .ci/run tests/*.sh tests/e2e/*.sh || status=1
fi

[ "$status" -eq 0 ] && echo "style: ok"
exit "$status"
