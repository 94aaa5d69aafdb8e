# SPDX-License-Identifier: Apache-2.0
# No abbreviation, no single dash, no bundle: what is not the name is not the option.
each oakum unpack --whiteout=apply layer rootfs
each oakum unpack --whit apply layer rootfs
each oakum unpack -v layer rootfs
each oakum unpack --Quiet layer rootfs
each oakum unpack --=x layer rootfs
each oakum unpack $'--\e[31mred' layer rootfs
