# SPDX-License-Identifier: Apache-2.0
# Also as a subject of help.
each oakum pack
each oakum help pack
each oakum --unpack
