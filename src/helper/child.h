/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a confined child: walls, work, one report. */
#ifndef OAKUM_HELPER_CHILD_H
#define OAKUM_HELPER_CHILD_H

#include "base/progress.h"
#include "monitor/monitor.h"
#include "wire/request.h"

/* What each role is given. */
struct child_work {
	const struct request *request;
	struct progress *progress; /* shared with the caller, or seen by nobody */
};

/* Whom the request needs, in the order in which they see the bytes; all take a struct child_work.
 */
void child_choose(const struct request *request, struct chain *chain);

#endif
