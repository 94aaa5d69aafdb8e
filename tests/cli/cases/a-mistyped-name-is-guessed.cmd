# SPDX-License-Identifier: Apache-2.0
# What was meant, where it is near enough.
each oakum unpack --whiteout=apply a b
each oakum unpack --verb a b
each oakum unpack -h
each oakum unpack --compress a b
each oakum unpak a b
each oakum help unpakc
each oakum --hepl
