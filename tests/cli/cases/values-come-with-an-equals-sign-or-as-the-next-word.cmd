# SPDX-License-Identifier: Apache-2.0
# Both spellings; options may follow operands.
# needs: root
# needs: walls
mkdir a && echo a >a/file && pack layer a
oakum unpack --threads 2 --limit=entries=5 layer one --limit entries=4 --timeout 60 --min-level=2 &&
	oakum unpack --threads=2 --profile strict --trailing=ignore layer two && tree two
