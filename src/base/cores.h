/* SPDX-License-Identifier: Apache-2.0 */
/* How many cores there are for us. */
#ifndef OAKUM_BASE_CORES_H
#define OAKUM_BASE_CORES_H

/* At least 1, at most most. By a system call, so that it is asked before the walls. */
unsigned int cores_usable(unsigned int most);

#endif
