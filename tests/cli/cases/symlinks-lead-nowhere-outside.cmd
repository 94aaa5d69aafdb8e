# SPDX-License-Identifier: Apache-2.0
# Absolute and relative ones, chains, and whiteouts through them: what is outside is as it was.
# needs: root
mkdir -p outside/directory && echo secret >outside/secret && echo other >outside/directory/file
touch -d @0 outside outside/* outside/directory/*
find outside -printf '%P %m %T@ %l\n' | sort >before
top=$PWD
cat >links-to <<'EOF'
absolute @/outside
relative ../../../../../../../../../../../../../../..@/outside
chain absolute
up ..
upper up/up/up/up/up/up/up/up/up/up/up/up/up@/outside
EOF
while read -r name target; do ln -s "${target//@/$top}" "t-$name"; done <links-to
for name in absolute relative chain up upper; do
	mkdir -p "real/$name"
	echo gotcha >"real/$name/file"
	: >"real/$name/.wh.secret"
	: >"real/$name/.wh..wh..opq"
	for what in file .wh.secret .wh..wh..opq; do
		pack links --transform 's|^t-||' t-absolute t-relative t-chain t-up t-upper
		(cd real && pack ../files --no-recursion "$name/$what")
		tar -Af links files
		rm -rf rootfs
		echo "$name/$what: $(oakum unpack links rootfs 2>&1 | sed "s|$top|SCRATCH|g")"
		find outside -printf '%P %m %T@ %l\n' | sort | cmp - before || echo "outside was touched"
		find rootfs -type f -printf '  made: %P\n' | sed "s|${top#/}|SCRATCH|g"
	done
done
