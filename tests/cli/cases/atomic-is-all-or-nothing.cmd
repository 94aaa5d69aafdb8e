# SPDX-License-Identifier: Apache-2.0
# The target is the layer, or as it was; beside it nothing is left.
mkdir -p in/a in/shut && echo content >in/a/file && chmod 0 in/shut
(cd in && pack ../layer a shut && pack ../with-root .)
head -c 1536 layer >cut
oakum unpack --atomic layer new && tree new
(umask 077 && oakum unpack --atomic layer masked) && stat -c %a masked
mkdir -m 0710 empty && oakum unpack --atomic --sync=full layer empty/ && stat -c %a empty && tree empty
chmod 0751 in && pack with-root -C in . && oakum unpack --atomic --sync=fs with-root rooted && stat -c %a rooted
each oakum unpack --atomic cut missing
mkdir -m 0711 kept && ls -di kept >before
each oakum unpack --atomic cut kept
ls -di kept | cmp before - && stat -c %a kept
ls -A
