/* SPDX-License-Identifier: Apache-2.0 */
#include "layer/limits.h"

#include "base/error.h"

#include <errno.h>
#include <inttypes.h>

int limit_exceeded(struct oakum_error *err, const char *name, uint64_t value, const char *entry)
{
	return fail_because(err, EFBIG, "check limits", entry,
		"more than the limit %s=%" PRIu64 "; --limit %s=N raises it", name, value, name);
}

int limit_of_time_exceeded(struct oakum_error *err, const char *entry)
{
	return fail_because(err, ETIMEDOUT, "check limits", entry,
		"more time than the limit timeout allows; --timeout=S raises it");
}
