/* SPDX-License-Identifier: Apache-2.0 */
/* Somebody else's program, as small as it can be: app LAYER ROOTFS. */
#include <fcntl.h>
#include <oakum/oakum.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	struct oakum_stats stats = OAKUM_STATS_INIT;
	struct oakum_error err;
	char line[4096];

	if (argc != 3 || strcmp(oakum_version(), OAKUM_VERSION_STRING) != 0)
		return 2;
	int layer_fd = open(argv[1], O_RDONLY | O_CLOEXEC);
	int rootfs_fd = open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (oakum_unpack(layer_fd, rootfs_fd, OAKUM_UNPACK_OPTIONS(.timeout_ms = 60000), &stats,
		    &err) < 0) {
		oakum_error_format(&err, line, sizeof(line));
		fprintf(stderr, "%s\n", line);
		return 1;
	}
	printf("%llu entries\n", (unsigned long long)stats.entries);
	return 0;
}
