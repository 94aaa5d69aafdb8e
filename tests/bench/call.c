/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A library call from its start to its return, many times in one process, as a host makes it.
 * Usage: call LAYER ROOTFS RUNS
 * Prints "measured WALL CPU" of the median call, the first left out: it makes what later ones
 * reuse.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <oakum/oakum.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double cpu_of(int who)
{
	struct rusage usage;

	getrusage(who, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static int compare(const void *left, const void *right)
{
	const double one = *(const double *)left;
	const double other = *(const double *)right;

	return (one > other) - (one < other);
}

static double call(const char *layer, int rootfs_fd)
{
	struct oakum_error error;
	char line[1024];
	int layer_fd = open(layer, O_RDONLY | O_CLOEXEC);
	double began = now_s();

	if (layer_fd < 0)
		err(1, "%s", layer);
	if (oakum_unpack(layer_fd, rootfs_fd, NULL, NULL, &error) < 0) {
		oakum_error_format(&error, line, sizeof(line));
		errx(1, "%s", line);
	}
	double took = now_s() - began;
	close(layer_fd);
	return took;
}

int main(int argc, char **argv)
{
	enum { RUNS_MAX = 10000 };
	static double took[RUNS_MAX];

	if (argc != 4)
		errx(2, "usage: call LAYER ROOTFS RUNS");
	int rootfs_fd = open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int runs = atoi(argv[3]);
	if (rootfs_fd < 0 || runs < 1 || runs > RUNS_MAX)
		errx(1, "%s: no directory, or %s: no number of runs", argv[2], argv[3]);
	(void)call(argv[1], rootfs_fd);
	double cpu = cpu_of(RUSAGE_SELF) + cpu_of(RUSAGE_CHILDREN);
	for (int i = 0; i < runs; i++)
		took[i] = call(argv[1], rootfs_fd);
	cpu = cpu_of(RUSAGE_SELF) + cpu_of(RUSAGE_CHILDREN) - cpu;
	qsort(took, (size_t)runs, sizeof(took[0]), compare);
	printf("measured %.6f %.6f\n", took[runs / 2], cpu / runs);
	return 0;
}
