# SPDX-License-Identifier: Apache-2.0
# oakum(1) and --help tell of the same.
manual="$testdata/../docs/man/oakum.1"
oakum unpack --help=all | sed -n 's/^  --\([a-z-]*\).*/\1/p' | sort >options
sed -n 's/^\.It Fl Fl \([a-z-]*\).*/\1/p' "$manual" | sort -u | comm -3 - options
wc -l <options
oakum unpack --limit '?=1' a b 2>&1 | sed 's/.*there are //; s/, /\n/g' | sort >limits
sed -n 's/^\.It Cm \([a-z-]*\) *\(Pq\|Ta\).*/\1/p' "$manual" | sort -u | comm -3 - limits
wc -l <limits
