# SPDX-License-Identifier: Apache-2.0
# At most 24 lines of 80 columns, the same in both spellings; all of it is as wide.
oakum unpack --help
oakum help unpack | cmp - <(oakum unpack --help)
oakum unpack --help | awk 'END { if (NR > 24) print "too long: " NR }'
oakum unpack --help=all >all
cat all
oakum unpack --help | cat - all | awk 'length($0) > 80 { print "too wide: " $0 }'
# Nothing is in the short one alone.
oakum unpack --help | grep '^  --' | grep -vxFf all
each oakum unpack --help=some
# Nor is that of any other command longer.
for command in $(oakum --help | sed -n 's/^  \([a-z]*\) .*/\1/p'); do
	oakum "$command" --help | awk 'length($0) > 80 { print "too wide: " $0 } END { if (NR > 24) print "too long: " NR }'
done
