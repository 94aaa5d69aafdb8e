# SPDX-License-Identifier: Apache-2.0
# As readline calls it, which parts words at "="; what is offered is what --help tells of.
source <(oakum completion bash)
complete -p oakum
# offered WORD...: what completes the last one.
offered() {
	COMP_WORDS=(oakum "$@") COMP_CWORD=$# COMPREPLY=()
	_oakum
	echo "$*: ${COMPREPLY[*]}"
}
offered unp
offered help unp
offered '' | tr ' :' '\n\n' | grep '^[a-z]' | sort >offered
oakum --help | sed -n 's/^  \([a-z]*\) .*/\1/p' | cat - <(echo help) | sort | comm -3 - offered
offered unpack --whi
offered unpack --whiteouts ''
offered unpack --whiteouts =
offered unpack --whiteouts = over
offered unpack --quiet --progress = b
offered unpack --limit = entry
offered unpack --timeout ''
offered unpack --no-such-
offered unpack layer roo
offered unpack -- | grep -o -e '--[a-z-]*' | sort >offered
oakum unpack --help=all | sed -n 's/^  \(--[a-z-]*\).*/\1/p' | sort | comm -3 - <(grep -v '^--$' offered)
each oakum completion tcsh
each oakum completion
