# SPDX-License-Identifier: Apache-2.0
# For the reader of a FIFO as long as all may take; and what it replaces is not to be its input.
# needs: root
mkdir -p a/sub && echo content >a/file && mkfifo layer
each oakum pack --timeout=0.2 a layer
(sleep 0.3 && cat layer >got) & oakum pack --timeout=20 a layer && wait && oakum list got | wc -l
oakum pack a a/sub/layer.tar && oakum list a/sub/layer.tar | wc -l
each oakum pack a a/sub/layer.tar
each oakum pack a/sub a/sub/../sub/layer.tar
ln -s a/sub elsewhere && each oakum pack a elsewhere/layer.tar
(cd a/sub && each oakum pack .. layer.tar)
oakum pack a/sub a/beside.tar && oakum pack a/sub a/beside.tar && ls a a/sub
