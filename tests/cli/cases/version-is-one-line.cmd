# SPDX-License-Identifier: Apache-2.0
# What a script would read.
oakum --version
