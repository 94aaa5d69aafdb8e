# SPDX-License-Identifier: Apache-2.0
# Drawn over itself, at most as wide as the terminal, also one of 20 columns; gone at the end.
# needs: root
mkdir a && head -c 300000 /dev/urandom >a/file && pack layer a
slowly() { head -c 200000 layer; sleep 0.4; tail -c +200001 layer; }
export -f slowly
for columns in 20 100; do
	script -qec "stty cols $columns; export TERM=xterm; slowly | \"$oakum_program\" unpack - rootfs-$columns" /dev/null >screen
	# Each drawing begins with a return and clears the rest of the line.
	tr '\r' '\n' <screen | sed 's/\x1b\[K//g' >drawings
	awk -v columns=$columns 'length($0) >= columns { print "too wide: " $0 }' drawings
	grep -q 'KiB read' drawings && tail -c 4 screen | grep -q $'\x1b\[K' && echo "drawn, and gone"
done
script -qec "export TERM=dumb; slowly | \"$oakum_program\" unpack - rootfs-dumb" /dev/null | wc -c
script -qec "export TERM=xterm; slowly | \"$oakum_program\" unpack --quiet - rootfs-quiet" /dev/null | wc -c
