/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A PID 1 that reaps the orphans of its namespace and unpacks layers meanwhile.
 *
 *	cc pid1.c $(pkg-config --cflags --libs oakum) -o pid1
 *	unshare --pid --fork --mount-proc ./pid1 rootfs layer.tar.gz...
 *
 * One loop waits for everything: children that ended, and jobs that did. All layers are
 * unpacked at once, each into a directory of its own below rootfs, named by its number.
 */
#include <errno.h>
#include <fcntl.h>
#include <oakum/oakum.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LAYERS_MAX = 64 };

struct layer {
	const char *path;
	int layer_fd;
	int rootfs_fd;
	struct oakum_job *job; /* NULL: it has ended */
};

/* Called for each child that was nobody's; those of the library never come here. */
static void forget_orphan(pid_t pid, int wait_status, void *user)
{
	unsigned int *orphans = user;

	(void)wait_status;
	++*orphans;
	fprintf(stderr, "pid1: orphan %d has ended\n", (int)pid);
}

static void complain(const struct layer *layer, const struct oakum_error *err)
{
	char line[4096];

	oakum_error_format(err, line, sizeof(line));
	fprintf(stderr, "pid1: %s: %s\n", layer->path, line);
}

static int start(struct layer *layer, const char *rootfs, int number)
{
	struct oakum_error err;
	char path[4096];

	snprintf(path, sizeof(path), "%s/%d", rootfs, number);
	layer->layer_fd = open(layer->path, O_RDONLY | O_CLOEXEC);
	if (layer->layer_fd < 0 || (mkdir(path, 0700) < 0 && errno != EEXIST)) {
		fprintf(stderr, "pid1: %s: %s\n", layer->path, strerror(errno));
		return -1;
	}
	layer->rootfs_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (layer->rootfs_fd < 0) {
		fprintf(stderr, "pid1: %s: %s\n", path, strerror(errno));
		close(layer->layer_fd);
		return -1;
	}
	if (oakum_unpack_start(layer->layer_fd, layer->rootfs_fd,
		    OAKUM_UNPACK_OPTIONS(.timeout_ms = 600000), &layer->job, &err) < 0) {
		complain(layer, &err);
		close(layer->layer_fd);
		close(layer->rootfs_fd);
		return -1;
	}
	return 0;
}

static int end(struct layer *layer)
{
	struct oakum_stats stats = OAKUM_STATS_INIT;
	struct oakum_error err;
	int r = oakum_job_wait(&layer->job, &stats, &err);

	if (r < 0)
		complain(layer, &err);
	else
		printf("%s: %llu entries\n", layer->path, (unsigned long long)stats.entries);
	close(layer->layer_fd);
	close(layer->rootfs_fd);
	return r;
}

static int open_child_signals(void)
{
	sigset_t child;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	return signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* A signal stands for any number of deaths: so all that there are are taken. */
static void take_children(int signal_fd, unsigned int *orphans)
{
	struct signalfd_siginfo unread;

	while (read(signal_fd, &unread, sizeof(unread)) > 0)
		continue;
	oakum_reaper_reap(forget_orphan, orphans);
}

/* Until every job has ended; returns how many failed. */
static int run(struct layer *layers, int count, int signal_fd, unsigned int *orphans)
{
	struct pollfd fds[LAYERS_MAX + 1];
	int running = count;
	int failed = 0;

	while (running > 0) {
		fds[0] = (struct pollfd){ .fd = signal_fd, .events = POLLIN };
		for (int i = 0; i < count; i++)
			fds[i + 1] = (struct pollfd){
				.fd = layers[i].job == NULL ? -1 : oakum_job_pollfd(layers[i].job),
				.events = POLLIN,
			};
		if (poll(fds, (nfds_t)count + 1, -1) < 0)
			continue;
		if (fds[0].revents != 0)
			take_children(signal_fd, orphans);
		for (int i = 0; i < count; i++) {
			if (layers[i].job != NULL && fds[i + 1].revents != 0) {
				failed += end(&layers[i]) < 0;
				running--;
			}
		}
	}
	return failed;
}

int main(int argc, char **argv)
{
	static struct layer layers[LAYERS_MAX];
	unsigned int orphans = 0;
	int signal_fd = open_child_signals();
	int failed = 0;
	int count = 0;

	if (argc < 3 || argc - 2 > LAYERS_MAX || signal_fd < 0) {
		fprintf(stderr, "usage: pid1 ROOTFS LAYER...\n");
		return 2;
	}
	for (int i = 2; i < argc; i++) {
		layers[count].path = argv[i];
		if (start(&layers[count], argv[1], i - 2) == 0)
			count++;
		else
			failed++;
	}
	failed += run(layers, count, signal_fd, &orphans);
	take_children(signal_fd, &orphans);
	printf("%d of %d layers failed, %u orphans reaped\n", failed, argc - 2, orphans);
	return failed > 0;
}
