#!/bin/sh
# The C in docs/nnlib.md compiles, and its first program trains: what a newcomer copies must work.
#
#   tests/check_docs.sh [BUILD]     with a build folder it is also linked and run
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# block N: the N-th ```c block, without the indent of a list.
block() {
    awk -v want="$1" '/^ *```c$/ { n++; in_c = n == want; next } /^ *```$/ { in_c = 0 } in_c' \
        "$root/docs/nnlib.md" | sed 's/^   //'
}

flags="-std=c17 -Wall -Wextra -Wpedantic -D_POSIX_C_SOURCE=200809L -I$root"
# The first block is indented as C is; only a list indents a block by three.
awk '/^```c$/ { n++; in_c = n == 1; next } /^```$/ { in_c = 0 } in_c' "$root/docs/nnlib.md" >"$dir/first.c"
cat >>"$dir/first.c" <<'EOF'

int
main(void)
{
    static float  x[40 * 784], digit[40];
    struct pn_rng rng;
    pn_rng_init(&rng, 1);
    for (int i = 0; i < 40 * 784; i++)
        x[i] = (float)pn_rng_uniform(&rng);
    for (int i = 0; i < 40; i++)
        digit[i] = (float)(i % 10);
    return first_model(x, digit, 40);
}
EOF
block 2 >"$dir/square.c"
# shellcheck disable=SC2086 # the flags are words
cc $flags -fsyntax-only "$dir/first.c" "$dir/square.c"
[ -s "$dir/square.c" ] || { echo "docs: docs/nnlib.md has no second block" >&2; exit 1; }
if [ $# -gt 0 ]; then
    # shellcheck disable=SC2086
    cc $flags -o "$dir/first" "$dir/first.c" "$1/nnlib/libnnlib.a" "$1/base/libbase.a" -lopenblas -lm -lpthread
    "$dir/first" | grep -q '^loss [0-9.]*  accuracy [0-9.]*$' || {
        echo "docs: the first model of docs/nnlib.md did not say its loss" >&2
        exit 1
    }
fi
echo "docs: ok"
