# SPDX-License-Identifier: Apache-2.0
# With its bytes escaped, and nothing written outside.
# needs: root
mkdir in && echo gotcha >passwd
(cd in && tar --absolute-names -cf ../layer ../passwd) && rm passwd
oakum unpack layer rootfs
ls
