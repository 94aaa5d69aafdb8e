# SPDX-License-Identifier: Apache-2.0
# Used wrongly: exit 2.
oakum
