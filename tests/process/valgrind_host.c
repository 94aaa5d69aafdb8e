/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the library does in its caller's process, for valgrind(1) to look at: each public
 * function, succeeding and failing. valgrind of Debian 12 knows neither pidfd_open(2) nor
 * pidfd_send_signal(2), and executes no file without a name: the seams have them otherwise here.
 */
#include "base/fd.h"
#include "base/sys.h"
#include "support/scratch.h"
#include "support/tarball.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <oakum/oakum.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct member good[] = { file("etc/passwd", "root"), END };
static const struct member bad[] = { file("../evil", "gotcha"), END };

int __wrap_sys_pidfd_open(pid_t pid, unsigned int flags);
int __wrap_sys_pidfd_send_signal(int pidfd, int signal_number);

/* What the caller's own pidfd is for: it becomes readable when we die. */
int __wrap_sys_pidfd_open(pid_t pid, unsigned int flags)
{
	static struct pipe_pair life = { -1, -1 };

	(void)pid;
	(void)flags;
	if (life.read_fd < 0 && fd_pipe(&life, 0) < 0)
		return -1;
	return fcntl(life.read_fd, F_DUPFD_CLOEXEC, FD_HIGH);
}

int __wrap_sys_pidfd_send_signal(int pidfd, int signal_number)
{
	char path[64];
	char text[512] = "";

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		return -1;
	close(fd);
	const char *line = strstr(text, "\nPid:");
	int pid = line == NULL ? -1 : (int)strtol(line + 5, NULL, 10);
	return pid > 0 ? kill(pid, signal_number) : -1;
}

int __wrap_helper_file_open(struct oakum_error *err);

int __wrap_helper_file_open(struct oakum_error *err)
{
	int fd = open(OAKUM_HELPER, O_RDONLY | O_CLOEXEC);
	int high = fd_duplicate_high(fd);

	(void)err;
	close(fd);
	return high;
}

static void expect(int r, int expected, const char *what, const struct oakum_error *err)
{
	char line[4096];

	if (r == expected)
		return;
	oakum_error_format(err, line, sizeof(line));
	fprintf(stderr, "%s: %d instead of %d: %s\n", what, r, expected, line);
	exit(1);
}

static void unpack(struct scratch *scratch, const struct member *members, size_t cut, int result)
{
	struct tarball tar = tarball_of(members);
	struct oakum_stats stats = OAKUM_STATS_INIT;
	struct oakum_error err = { 0 };
	int layer_fd = memory_file(tar.bytes, tar.length - cut);

	scratch_renew(scratch);
	expect(oakum_unpack(layer_fd, scratch->rootfs_fd, NULL, &stats, &err), result, "unpack",
		&err);
	close(layer_fd);
	tarball_free(&tar);
}

static void run_job(struct scratch *scratch)
{
	struct tarball tar = tarball_of(good);
	struct oakum_progress progress = OAKUM_PROGRESS_INIT;
	struct oakum_error err = { 0 };
	struct oakum_job *job;
	int layer_fd = memory_file(tar.bytes, tar.length);

	scratch_renew(scratch);
	expect(oakum_unpack_start(layer_fd, scratch->rootfs_fd,
		       OAKUM_UNPACK_OPTIONS(.timeout_ms = 60000), &job, &err),
		0, "start", &err);
	struct pollfd fd = { .fd = oakum_job_pollfd(job), .events = POLLIN };
	expect(poll(&fd, 1, 60000), 1, "poll", &err);
	expect(oakum_job_progress(job, &progress), 0, "progress", &err);
	expect((int)progress.entries, 1, "entries", &err);
	expect(oakum_job_wait(&job, NULL, &err), 0, "wait", &err);
	close(layer_fd);
	tarball_free(&tar);
}

static void *cancel(void *job)
{
	usleep(200000);
	oakum_job_cancel(job);
	return NULL;
}

static void end_stalled_jobs(struct scratch *scratch)
{
	struct oakum_error err = { 0 };
	struct oakum_job *job;
	pthread_t thread;
	int fds[2];

	expect(pipe2(fds, O_CLOEXEC), 0, "pipe", &err);
	scratch_renew(scratch);
	expect(oakum_unpack_start(fds[0], scratch->rootfs_fd, NULL, &job, &err), 0, "start", &err);
	expect(pthread_create(&thread, NULL, cancel, job), 0, "thread", &err);
	expect(oakum_job_wait(&job, NULL, &err), -ECANCELED, "cancel", &err);
	pthread_join(thread, NULL);
	expect(oakum_unpack(fds[0], scratch->rootfs_fd, OAKUM_UNPACK_OPTIONS(.timeout_ms = 500),
		       NULL, &err),
		-ETIMEDOUT, "deadline", &err);
	close(fds[0]);
	close(fds[1]);
}

static void reap(void)
{
	struct oakum_error err = { 0 };
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	while (oakum_reaper_reap(NULL, NULL) == 0)
		usleep(1000);
	oakum_reaper_lock();
	expect(oakum_reaper_deliver(pid, 0), 0, "deliver", &err);
	oakum_reaper_unlock();
	oakum_reaper_set_lock(NULL, NULL);
	expect((int)waitpid(-1, &status, WNOHANG), -1, "children left", &err);
}

int main(void)
{
	struct oakum_error err = { 0 };
	struct scratch scratch;

	scratch_make(&scratch);
	unpack(&scratch, good, 0, 0);
	unpack(&scratch, bad, 0, -EBADMSG);
	unpack(&scratch, good, 1536, -EBADMSG);
	run_job(&scratch);
	end_stalled_jobs(&scratch);
	reap();
	expect(oakum_unpack(-1, scratch.rootfs_fd, NULL, NULL, &err), -EINVAL, "bad fd", &err);
	scratch_remove(&scratch);
	oakum_trim();
	printf("every public function was called\n");
	return 0;
}
