/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a confined child: walls, work, one report. */
#ifndef OAKUM_HELPER_CHILD_H
#define OAKUM_HELPER_CHILD_H

/* Both take a const struct request * and do not return: role_life of monitor/monitor.h. */
void child_decompress(const void *request);
void child_unpack(const void *request);

#endif
