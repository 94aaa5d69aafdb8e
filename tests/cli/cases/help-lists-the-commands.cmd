# SPDX-License-Identifier: Apache-2.0
# The help of the whole.
oakum --help && oakum help | cmp - <(oakum --help)
