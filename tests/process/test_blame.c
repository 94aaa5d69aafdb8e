/* SPDX-License-Identifier: Apache-2.0 */
/* Who is to blame: whatever else breaks on the way, the error names what broke first. */
#include "base/cleanup.h"
#include "support/connection.h"
#include "support/host_state.h"
#include "support/pack.h"
#include "support/scratch.h"
#include "support/slow_layer.h"
#include "support/tarball.h"

#include <errno.h>
#include <fcntl.h>
#include <oakum/oakum.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cmocka.h>

/* More than any pipe holds: whoever writes it notices that nobody reads. */
static const struct member large[] = {
	file("small", "fits"),
	big_file("dir/large", 6 << 20),
	END,
};

static const struct member hostile_first[] = {
	file("../evil", "x"),
	big_file("dir/large", 6 << 20),
	END,
};

/* What happens meanwhile. */
enum event {
	EVENT_NONE,
	EVENT_KILL_MONITOR,
	EVENT_KILL_DECOMPRESSOR,
	EVENT_KILL_UNPACKER,
	EVENT_RESET,	/* the source is a connection, and goes away */
	EVENT_DEADLINE, /* the source stalls */
	EVENT_CANCEL,
	EVENT_DISK_FULL,
	EVENT_READ_ONLY,
	EVENT_LOCKED,
};

struct row {
	const char *name;
	const struct member *layer;
	enum event event;
	size_t cut_at;	    /* the source ends there; 0: at its end */
	bool is_compressed; /* gzip */
	bool has_bad_crc;
	int result;
	uint32_t stage;
	const char *op;
	const char *entry;
	const char *says;
};

static const struct row rows[] = {
	{ .name = "the decompressor is killed",
		.layer = large,
		.event = EVENT_KILL_DECOMPRESSOR,
		.result = -EIO,
		.stage = OAKUM_STAGE_REAP,
		.op = "wait",
		.entry = "dir/large",
		.says = "the decompressor was killed by signal 9: out of memory, or by hand" },
	{ .name = "the unpacker is killed",
		.layer = large,
		.event = EVENT_KILL_UNPACKER,
		.result = -EIO,
		.stage = OAKUM_STAGE_REAP,
		.op = "wait",
		.entry = "",
		.says = "the unpacker was killed by signal 9: out of memory, or by hand" },
	{ .name = "the monitor is killed",
		.layer = large,
		.event = EVENT_KILL_MONITOR,
		.result = -EIO,
		.stage = OAKUM_STAGE_REAP,
		.op = "wait",
		.entry = "",
		.says = "the monitor was killed by signal 9" },
	{ .name = "a hostile entry, and megabytes after it",
		.layer = hostile_first,
		.result = -EBADMSG,
		.stage = OAKUM_STAGE_READ,
		.op = "check name",
		.entry = "../evil",
		.says = "\"..\"" },
	{ .name = "the same in gzip",
		.layer = hostile_first,
		.is_compressed = true,
		.result = -EBADMSG,
		.stage = OAKUM_STAGE_READ,
		.op = "check name",
		.entry = "../evil",
		.says = "\"..\"" },
	{ .name = "the source ends early",
		.layer = large,
		.cut_at = 1 << 20,
		.result = -EBADMSG,
		.stage = OAKUM_STAGE_READ,
		.op = "read header",
		.entry = "dir/large",
		.says = "cut off" },
	{ .name = "the source ends early in gzip",
		.layer = large,
		.is_compressed = true,
		.cut_at = 2000,
		.result = -EBADMSG,
		.stage = OAKUM_STAGE_DECOMPRESS,
		.op = "inflate",
		.entry = "dir/large",
		.says = "cut off" },
	{ .name = "a wrong checksum at the very end",
		.layer = large,
		.is_compressed = true,
		.has_bad_crc = true,
		.result = -EBADMSG,
		.stage = OAKUM_STAGE_DECOMPRESS,
		.op = "inflate",
		.entry = "dir/large",
		.says = "checksum" },
	{ .name = "the source goes away",
		.layer = large,
		.event = EVENT_RESET,
		.cut_at = 1 << 20,
		.result = -EPIPE,
		.stage = OAKUM_STAGE_DECOMPRESS,
		.op = "read",
		.entry = "dir/large",
		.says = "Connection reset by peer" },
	{ .name = "the disk is full",
		.layer = large,
		.event = EVENT_DISK_FULL,
		.result = -ENOSPC,
		.stage = OAKUM_STAGE_WRITE,
		.op = "write",
		.entry = "dir/large",
		.says = "0 of 1048576 bytes are free, and the file has 6291456" },
	{ .name = "the disk is full in gzip",
		.layer = large,
		.event = EVENT_DISK_FULL,
		.is_compressed = true,
		.result = -ENOSPC,
		.stage = OAKUM_STAGE_WRITE,
		.op = "write",
		.entry = "dir/large",
		.says = "0 of 1048576 bytes are free, and the file has 6291456" },
	{ .name = "the disk is read-only",
		.layer = large,
		.event = EVENT_READ_ONLY,
		.result = -EROFS,
		.stage = OAKUM_STAGE_WRITE,
		.op = "openat",
		.entry = "small",
		.says = "mount it read-write" },
	{ .name = "somebody else fills the rootfs",
		.layer = large,
		.event = EVENT_LOCKED,
		.result = -EBUSY,
		.stage = OAKUM_STAGE_SETUP,
		.op = "lock rootfs",
		.entry = "",
		.says = "another unpack" },
	{ .name = "the deadline",
		.layer = large,
		.event = EVENT_DEADLINE,
		.cut_at = 1 << 20,
		.result = -ETIMEDOUT,
		.stage = OAKUM_STAGE_READ,
		.op = "check limits",
		.entry = "dir/large",
		.says = "more time than the limit timeout allows" },
	{ .name = "cancelled",
		.layer = large,
		.event = EVENT_CANCEL,
		.cut_at = 1 << 20,
		.result = -ECANCELED,
		.stage = OAKUM_STAGE_REAP,
		.op = "wait",
		.entry = "",
		.says = "cancelled by the caller" },
};

/* --- the stage --- */

struct scene {
	const struct row *row;
	struct scratch scratch;
	char rootfs[300];
	int rootfs_fd; /* what is unpacked into */
	int lock_fd;
	int read_fd;
	int write_fd;
	struct packed layer;
	struct oakum_job *job;
	struct oakum_error err;
};

static void pack_layer(struct scene *scene)
{
	struct tarball tar = tarball_of(scene->row->layer);

	if (scene->row->is_compressed) {
		scene->layer = pack_gzip(tar.bytes, tar.length);
	} else {
		scene->layer = (struct packed){ .bytes = malloc(tar.length), .length = tar.length };
		assert_non_null(scene->layer.bytes);
		memcpy(scene->layer.bytes, tar.bytes, tar.length);
	}
	if (scene->row->has_bad_crc)
		scene->layer.bytes[scene->layer.length - 5] ^= 1;
	if (scene->row->cut_at > 0)
		scene->layer.length = scene->row->cut_at;
	tarball_free(&tar);
}

static void open_source(struct scene *scene)
{
	int fds[2];

	if (scene->row->event == EVENT_RESET) {
		connection_open(&scene->read_fd, &scene->write_fd);
		return;
	}
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	scene->read_fd = fds[0];
	scene->write_fd = fds[1];
}

static void open_rootfs(struct scene *scene)
{
	const enum event event = scene->row->event;

	scratch_make(&scene->scratch);
	snprintf(scene->rootfs, sizeof(scene->rootfs), "%s/rootfs", scene->scratch.path);
	if (event == EVENT_DISK_FULL || event == EVENT_READ_ONLY)
		assert_int_equal(mount("none", scene->rootfs, "tmpfs",
					 event == EVENT_READ_ONLY ? MS_RDONLY : 0, "size=1m"),
			0);
	scene->rootfs_fd = open(scene->rootfs, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(scene->rootfs_fd >= 0);
	if (event == EVENT_LOCKED)
		assert_int_equal(flock(scene->rootfs_fd, LOCK_EX), 0);
}

static void strike(struct scene *scene)
{
	const enum event event = scene->row->event;
	pid_t pids[3];

	switch (event) {
	case EVENT_KILL_MONITOR:
	case EVENT_KILL_DECOMPRESSOR:
	case EVENT_KILL_UNPACKER:
		slow_unpack_wait_for_walls(pids);
		assert_int_equal(kill(pids[event - EVENT_KILL_MONITOR], SIGKILL), 0);
		return;
	case EVENT_RESET:
		usleep(100000); /* so that what was sent is read first */
		connection_will_reset(scene->write_fd);
		return;
	case EVENT_CANCEL:
		usleep(50000);
		oakum_job_cancel(scene->job);
		return;
	case EVENT_NONE:
	case EVENT_DEADLINE:
	case EVENT_DISK_FULL:
	case EVENT_READ_ONLY:
	case EVENT_LOCKED:
		return;
	}
}

/* Half of it before the strike, so that everybody is at work; then until nobody reads. */
static void *write_layer(void *argument)
{
	struct scene *scene = argument;
	const size_t strike_at = scene->layer.length < 256 << 10 ? scene->layer.length : 256 << 10;
	bool was_struck = false;
	size_t done = 0;

	while (done < scene->layer.length) {
		const size_t end = was_struck ? scene->layer.length : strike_at;
		ssize_t put = write(scene->write_fd, scene->layer.bytes + done, end - done);
		if (put <= 0)
			break;
		done += (size_t)put;
		if (done == strike_at) {
			strike(scene);
			was_struck = true;
		}
	}
	if (scene->row->event != EVENT_DEADLINE && scene->row->event != EVENT_CANCEL)
		close(steal_fd(&scene->write_fd));
	return NULL;
}

static void play(const struct row *row)
{
	struct scene scene = { .row = row };
	pthread_t writer;
	char line[4096];

	pack_layer(&scene);
	open_rootfs(&scene);
	open_source(&scene);
	assert_int_equal(
		oakum_unpack_start(scene.read_fd, scene.rootfs_fd,
			OAKUM_UNPACK_OPTIONS(.timeout_ms = row->event == EVENT_DEADLINE ? 400 : 0,
				.drain = OAKUM_DRAIN_NONE),
			&scene.job, &scene.err),
		0);
	assert_int_equal(pthread_create(&writer, NULL, write_layer, &scene), 0);
	int r = oakum_job_wait(&scene.job, NULL, &scene.err);
	assert_true(r < 0);
	oakum_error_format(&scene.err, line, sizeof(line));
	if (r != row->result || scene.err.stage != row->stage ||
		strcmp(scene.err.op, row->op) != 0 || strcmp(scene.err.entry, row->entry) != 0 ||
		strstr(scene.err.detail, row->says) == NULL)
		fail_msg("%s: %d, \"%s\"", row->name, r, line);
	assert_int_equal(host_count_descendants(), 0);
	close(scene.read_fd);
	pthread_join(writer, NULL);
	close_fd(&scene.write_fd);
	close(scene.rootfs_fd);
	(void)umount2(scene.rootfs, MNT_DETACH);
	assert_true(scratch_outside_is_untouched(&scene.scratch));
	scratch_remove(&scene.scratch);
	free(scene.layer.bytes);
}

static void the_error_names_the_first_cause_and_never_a_consequence(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		play(&rows[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		host_test(the_error_names_the_first_cause_and_never_a_consequence),
	};

	if (geteuid() != 0) {
		fprintf(stderr, "needs root, to mount small file systems\n");
		return getenv("CI") == NULL ? 77 : 1;
	}
	(void)signal(
		SIGPIPE, SIG_IGN); /* for the tests' own pipes; no call of ours writes to one */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
