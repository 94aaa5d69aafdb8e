# SPDX-License-Identifier: Apache-2.0
# As somebody sees it who sits there: one line that is never wrapped, also in 20 columns, with what
# there is room for; nothing of it stays.
# needs: root
# needs: tmux
mkdir a && head -c 16M /dev/urandom >a/file && pack layer a && bzip2 -1 layer # which takes its time
export TMUX_TMPDIR=$PWD SHELL=$BASH
unset TMUX
trap 'for server in tmux-*/*; do tmux -S "$server" kill-server; done 2>/dev/null' EXIT
# look COLUMNS TIME: the last that was drawn with the time that is left, in seen; a busy machine may
# show none. Each time has a server of its own: one that was told to end still takes a session, and
# loses it.
look() {
	local server="$1-$2" until=$((SECONDS + 30))
	rm -rf gone "rootfs-$1"
	tmux -L "$server" -f /dev/null new-session -d -x $1 -y 6 \
		"'$oakum_program' unpack layer.bz2 rootfs-$1; touch gone; sleep 60"
	: >seen
	until [ -e gone ] || [ $SECONDS -ge $until ]; do
		tmux -L "$server" capture-pane -p >now
		if grep -q '[0-9]%.* left' now; then cp now seen; fi
		sleep 0.02
	done
	tmux -L "$server" capture-pane -p | grep . >left
	tmux -L "$server" kill-server
}
for columns in 20 80 120; do
	for time in 1 2 3; do
		look $columns $time
		[ ! -s seen ] || break
	done
	cat left
	grep -c . seen
	grep . seen | sed -E 's/[0-9.]+ ?([KMG]i)?B/N/g; s/[0-9]+:[0-9]+/T/; s/ *[0-9]+%/ P/; s/\[=*>? *\]/[=> ]/'
done
