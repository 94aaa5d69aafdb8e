# SPDX-License-Identifier: Apache-2.0
# Both would go to standard output.
mkdir a && pack layer a
each oakum filter --progress=json layer
each oakum verify --progress=json layer a
