/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a confined child: walls, work, one report. */
#ifndef OAKUM_HELPER_CHILD_H
#define OAKUM_HELPER_CHILD_H

#include "base/progress.h"
#include "wire/request.h"

/* What both roles are given. */
struct child_work {
	const struct request *request;
	struct progress *progress; /* shared with the caller, or seen by nobody */
};

/* Both take a const struct child_work * and do not return: role_life of monitor/monitor.h. */
void child_decompress(const void *work);
void child_unpack(const void *work);

#endif
