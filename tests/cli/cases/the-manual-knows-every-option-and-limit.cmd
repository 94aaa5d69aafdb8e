# SPDX-License-Identifier: Apache-2.0
# oakum(1) and --help tell of the same.
manual="$testdata/../docs/man/oakum.1"
for command in $(oakum --help | sed -n 's/^  \([a-z]*\) .*/\1/p'); do oakum "$command" --help=all; done | sed -n 's/^  --\([a-z-]*\).*/\1/p' | sort -u >options
sed -n 's/^\.It Fl Fl \([a-z-]*\).*/\1/p' "$manual" | sort -u | comm -3 - options
[ -s options ] && echo some
oakum unpack --limit '?=1' a b 2>&1 | sed 's/.*there are //; s/, /\n/g' | sort >limits
sed -n 's/^\.It Cm \([a-z-]*\) *\(Pq\|Ta\).*/\1/p' "$manual" | sort -u | comm -3 - limits
[ -s limits ] && echo some
