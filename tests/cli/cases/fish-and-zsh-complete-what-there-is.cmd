# SPDX-License-Identifier: Apache-2.0
# fish says what it would offer; zsh reads its script and knows whose it is.
# needs: fish
# needs: zsh
export HOME=$PWD
oakum completion fish >oakum.fish && oakum completion zsh >_oakum
fish --no-config -c 'source oakum.fish; for line in "oakum unp" "oakum unpack --whi" "oakum unpack --drain=" "oakum unpack --devices "
	echo "$line:"; complete -C $line | string match -v "*/*" | string match -rv "^(_?oakum|layer)"; end'
zsh -n _oakum
zsh -f -c 'fpath=($PWD $fpath); autoload -Uz compinit && compinit -D -u && print -r -- $_comps[oakum] && autoload +X _oakum && print loaded'
oakum completion zsh | grep -o "'[*]*--[a-z-]*" | tr -d "'*" | sort -u >offered
for command in $(oakum --help | sed -n 's/^  \([a-z]*\) .*/\1/p'); do
	oakum "$command" --help=all | sed -n 's/^  \(--[a-z-]*\).*/\1/p'
done | cat - <(echo --version) | sort -u | comm -3 - offered
