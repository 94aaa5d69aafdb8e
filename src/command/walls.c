/* SPDX-License-Identifier: Apache-2.0 */
#include "command/walls.h"

#include <inttypes.h>
#include <stddef.h>

void walls_print(FILE *to, uint32_t walls, const char *quote, const char *between)
{
	static const struct {
		uint32_t wall;
		const char *name;
	} names[] = {
		{ OAKUM_WALL_ROOT, "root" },
		{ OAKUM_WALL_DETACHED, "detached" },
		{ OAKUM_WALL_CAPABILITIES, "capabilities" },
		{ OAKUM_WALL_LANDLOCK, "landlock" },
		{ OAKUM_WALL_SECCOMP, "seccomp" },
		{ OAKUM_WALL_PID_NAMESPACE, "pid-namespace" },
		{ OAKUM_WALL_USER_NAMESPACE, "user-namespace" },
		{ OAKUM_WALL_MOUNT_NAMESPACE, "mount-namespace" },
	};
	const char *before = "";

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if ((walls & names[i].wall) == 0)
			continue;
		fprintf(to, "%s%s%s%s", before, quote, names[i].name, quote);
		before = between;
	}
}

void walls_tell(const struct oakum_stats *stats)
{
	fprintf(stderr, "oakum: level %" PRIu32 ", walls ", stats->level);
	walls_print(stderr, stats->walls, "", ",");
	fputc('\n', stderr);
	if (stats->denied_calls > 0)
		fprintf(stderr,
			"oakum: %" PRIu32 " system calls were denied, number %" PRIu32
			" first: please report this\n",
			stats->denied_calls, stats->denied_call);
}
