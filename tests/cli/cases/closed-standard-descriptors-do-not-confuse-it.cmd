# SPDX-License-Identifier: Apache-2.0
# The layer must not become standard output.
# needs: root
mkdir a && echo a >a/file && pack layer a
"$oakum_program" unpack layer one <&- && tree one
"$oakum_program" unpack layer two >&- && tree two
"$oakum_program" unpack layer three 2>&- && tree three
"$oakum_program" unpack layer four <&- >&- 2>&- && tree four
"$oakum_program" unpack missing five <&- >&- 2>&-
echo "exit $?"
each "$oakum_program" unpack - six <&-
