# SPDX-License-Identifier: Apache-2.0
# Whoever may read a layer may look at it.
# needs: root
echo x >file && pack layer file
setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all --bounding-set=-all "$oakum_program" list - <layer
