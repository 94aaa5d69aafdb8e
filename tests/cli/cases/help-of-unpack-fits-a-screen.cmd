# SPDX-License-Identifier: Apache-2.0
# At most 40 lines of 80 columns, the same in both spellings.
oakum unpack --help
oakum help unpack | cmp - <(oakum unpack --help)
oakum unpack --help | awk 'length($0) > 80 { print "too wide: " $0 } END { if (NR > 40) print "too long: " NR }'
