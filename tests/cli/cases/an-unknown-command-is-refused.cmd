# SPDX-License-Identifier: Apache-2.0
# Also as a subject of help.
each oakum wrap
each oakum help wrap
each oakum --unpack
