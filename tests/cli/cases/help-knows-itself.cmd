# SPDX-License-Identifier: Apache-2.0
oakum help help
oakum help --help
oakum help completion
oakum completion --help
each oakum help nothing
each oakum helq
