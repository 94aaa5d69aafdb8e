# SPDX-License-Identifier: Apache-2.0
# Full, or closed.
each oakum --help >/dev/full
each oakum --version >/dev/full
each oakum unpack --help >/dev/full
each "$oakum_program" --version >&-
