/* SPDX-License-Identifier: Apache-2.0 */
/* The three classic ways out of a root, tried against each root switch alone and against the whole
 * jail. */
#include "base/error.h"
#include "base/sys.h"
#include "jail/jail.h"
#include "jail/root.h"
#include "support/scratch.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum outcome { CONTAINED = 10, ESCAPED = 11, BROKEN = 12 };

enum walls {
	ROOT_SWITCH_ALONE, /* with every capability still there */
	WHOLE_JAIL,
	WHOLE_JAIL_WITHOUT_LANDLOCK,
};

/* What the attacker has when the walls are up, and its partner outside. */
struct attacker {
	int inside_fd;	    /* a directory below the root, opened after the walls */
	int leaked_fd;	    /* of the host's, opened before them; the jail should have closed it */
	int ready_fd;	    /* a byte here: "now" */
	int done_fd;	    /* a byte here: "renamed" */
	const char *secret; /* the host's path of what must not be read, without its '/' */
};

typedef enum outcome attack_fn(const struct attacker *attacker);

static enum outcome can_open(int directory_fd, const char *path)
{
	int fd = openat(directory_fd, path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return CONTAINED;
	close(fd);
	return ESCAPED;
}

/* "outside" lies beside the rootfs: looked for at every height, for "/" may be a chroot itself. */
static enum outcome can_climb(int from_fd)
{
	static const char ups[] = "../../../../../../../../../../";
	char path[64];

	for (int height = 1; height <= 10; height++) {
		snprintf(path, sizeof(path), "%.*soutside/secret", 3 * height, ups);
		if (can_open(from_fd, path) == ESCAPED)
			return ESCAPED;
	}
	return CONTAINED;
}

/* A process that may chroot leaves a chroot: its directory is then above its root. */
static enum outcome second_chroot(const struct attacker *attacker)
{
	int here_fd = openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	(void)attacker;
	if (mkdirat(here_fd, "second", 0755) < 0)
		return BROKEN;
	if (chroot("second") < 0)
		return CONTAINED;
	return can_climb(here_fd);
}

/* Somebody else - a running container - moves our directory out of the root; then "..". */
static enum outcome directory_moved_out(const struct attacker *attacker)
{
	char byte = 0;

	if (write(attacker->ready_fd, &byte, 1) != 1 || read(attacker->done_fd, &byte, 1) != 1)
		return BROKEN;
	return can_climb(attacker->inside_fd);
}

/* The same, by the call that the unpacker uses for every path. */
static enum outcome directory_moved_out_openat2(const struct attacker *attacker)
{
	const struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	char path[1024];
	char byte = 0;

	if (write(attacker->ready_fd, &byte, 1) != 1 || read(attacker->done_fd, &byte, 1) != 1)
		return BROKEN;
	snprintf(path, sizeof(path), "../../../../../../../../../../%s", attacker->secret);
	return sys_openat2(attacker->inside_fd, path, &how) < 0 ? CONTAINED : ESCAPED;
}

static enum outcome leaked_directory(const struct attacker *attacker)
{
	return can_open(attacker->leaked_fd, attacker->secret);
}

/* Where the root was left as it is, everything has its name still. */
static enum outcome absolute_path(const struct attacker *attacker)
{
	char path[1024];

	snprintf(path, sizeof(path), "/%s", attacker->secret);
	return can_open(AT_FDCWD, path);
}

static int raise_walls(
	enum walls walls, uint32_t level, int rootfs_fd, const int *keep_fds, size_t keep_count)
{
	struct oakum_error err;
	struct jail_result result;
	const struct jail jail = {
		.role = ROLE_UNPACKER,
		.keep_fds = keep_fds,
		.keep_count = keep_count,
		.rootfs_fd = rootfs_fd,
		.max_level = level,
		.min_level = level == OAKUM_LEVEL_OPENAT2 ? OAKUM_LEVEL_OPENAT2 : 0,
		.max_landlock_abi = walls == WHOLE_JAIL_WITHOUT_LANDLOCK ? 1 : 0,
	};
	const struct root_request request = { .rootfs_fd = rootfs_fd, .max_level = level };
	uint32_t reached;
	uint32_t bits = 0;

	if (walls == ROOT_SWITCH_ALONE)
		return root_switch(&request, &reached, &bits, &err) < 0 || reached != level;
	if (jail_enter(&jail, &result, &err) < 0)
		return 1;
#ifndef OAKUM_SANITIZED
	if (result.level != level)
		return 1;
#endif
	return jail_seal(ROLE_UNPACKER, &result.walls, &err) < 0;
}

enum { ROOTFS_FD = 20, LEAKED_FD = 21, READY_FD = 22, DONE_FD = 23 };

static void be_attacker(enum walls walls, uint32_t level, attack_fn *attack, const char *secret)
{
	static const int keep_fds[] = { 0, 1, 2, ROOTFS_FD, READY_FD, DONE_FD };
	struct attacker attacker = {
		.leaked_fd = LEAKED_FD,
		.ready_fd = READY_FD,
		.done_fd = DONE_FD,
		.secret = secret,
	};

	alarm(20);
	if (raise_walls(walls, level, ROOTFS_FD, keep_fds, 6) != 0)
		_exit(BROKEN);
	attacker.inside_fd = openat(AT_FDCWD, "inside", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (attacker.inside_fd < 0)
		_exit(BROKEN);
	_exit((int)attack(&attacker));
}

static void move_directory_out(const struct scratch *scratch)
{
	char from[512];
	char to[512];

	snprintf(from, sizeof(from), "%s/rootfs/inside", scratch->path);
	snprintf(to, sizeof(to), "%s/outside/inside", scratch->path);
	assert_int_equal(rename(from, to), 0);
}

static enum outcome try(enum walls walls, uint32_t level, attack_fn *attack)
{
	struct scratch scratch;
	char secret[512];
	int ready[2];
	int done[2];
	int status;
	char byte = 0;

	scratch_make(&scratch);
	snprintf(secret, sizeof(secret), "%s/outside/secret", scratch.path + 1);
	assert_int_equal(mkdirat(scratch.rootfs_fd, "inside", 0755), 0);
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	assert_int_equal(pipe2(done, O_CLOEXEC), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(scratch.rootfs_fd, ROOTFS_FD);
		dup2(open("/", O_PATH | O_DIRECTORY), LEAKED_FD);
		dup2(ready[1], READY_FD);
		dup2(done[0], DONE_FD);
		be_attacker(walls, level, attack, secret);
	}
	close(ready[1]);
	close(done[0]);
	if (read(ready[0], &byte, 1) == 1) {
		move_directory_out(&scratch);
		assert_int_equal(write(done[1], &byte, 1), 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	close(ready[0]);
	close(done[1]);
	scratch_remove(&scratch);
	return (enum outcome)WEXITSTATUS(status);
}

struct row {
	const char *name;
	attack_fn *attack;
	enum walls walls;
	uint32_t level;
	enum outcome expected;
};

/* What each wall is good for, and what it is not: this table is quoted in docs/THREATS.md. */
static const struct row rows[] = {
	{ "second chroot", second_chroot, ROOT_SWITCH_ALONE, OAKUM_LEVEL_CHROOT, ESCAPED },
	{ "moved out", directory_moved_out, ROOT_SWITCH_ALONE, OAKUM_LEVEL_CHROOT, ESCAPED },
	{ "leaked fd", leaked_directory, ROOT_SWITCH_ALONE, OAKUM_LEVEL_CHROOT, ESCAPED },
	{ "second chroot", second_chroot, ROOT_SWITCH_ALONE, OAKUM_LEVEL_DETACHED, CONTAINED },
	{ "moved out", directory_moved_out, ROOT_SWITCH_ALONE, OAKUM_LEVEL_DETACHED, CONTAINED },
	{ "leaked fd", leaked_directory, ROOT_SWITCH_ALONE, OAKUM_LEVEL_DETACHED, ESCAPED },

	{ "second chroot", second_chroot, ROOT_SWITCH_ALONE, OAKUM_LEVEL_PIVOTED, CONTAINED },
	{ "moved out", directory_moved_out, ROOT_SWITCH_ALONE, OAKUM_LEVEL_PIVOTED, CONTAINED },
	{ "leaked fd", leaked_directory, ROOT_SWITCH_ALONE, OAKUM_LEVEL_PIVOTED, ESCAPED },

	{ "second chroot", second_chroot, WHOLE_JAIL, OAKUM_LEVEL_CHROOT, CONTAINED },
	{ "moved out", directory_moved_out, WHOLE_JAIL, OAKUM_LEVEL_CHROOT, CONTAINED },
	{ "leaked fd", leaked_directory, WHOLE_JAIL, OAKUM_LEVEL_CHROOT, CONTAINED },
	{ "second chroot", second_chroot, WHOLE_JAIL, OAKUM_LEVEL_PIVOTED, CONTAINED },
	{ "moved out", directory_moved_out, WHOLE_JAIL, OAKUM_LEVEL_PIVOTED, CONTAINED },
	{ "leaked fd", leaked_directory, WHOLE_JAIL, OAKUM_LEVEL_PIVOTED, CONTAINED },
	{ "second chroot", second_chroot, WHOLE_JAIL, OAKUM_LEVEL_DETACHED, CONTAINED },
	{ "moved out", directory_moved_out, WHOLE_JAIL, OAKUM_LEVEL_DETACHED, CONTAINED },
	{ "leaked fd", leaked_directory, WHOLE_JAIL, OAKUM_LEVEL_DETACHED, CONTAINED },

	/* Neither root nor a user namespace: Landlock holds what openat2 does not. */
	{ "absolute path", absolute_path, WHOLE_JAIL, OAKUM_LEVEL_OPENAT2, CONTAINED },
	{ "moved out", directory_moved_out, WHOLE_JAIL, OAKUM_LEVEL_OPENAT2, CONTAINED },
	{ "moved out, openat2", directory_moved_out_openat2, WHOLE_JAIL, OAKUM_LEVEL_OPENAT2,
		CONTAINED },
	{ "leaked fd", leaked_directory, WHOLE_JAIL, OAKUM_LEVEL_OPENAT2, CONTAINED },
	{ "none: it is refused", absolute_path, WHOLE_JAIL_WITHOUT_LANDLOCK, OAKUM_LEVEL_OPENAT2,
		BROKEN },

	/* An old kernel in a container: there openat2 alone holds, and nothing else is used. */
	{ "second chroot", second_chroot, WHOLE_JAIL_WITHOUT_LANDLOCK, OAKUM_LEVEL_CHROOT,
		CONTAINED },
	{ "moved out", directory_moved_out, WHOLE_JAIL_WITHOUT_LANDLOCK, OAKUM_LEVEL_CHROOT,
		ESCAPED },
	{ "moved out, openat2", directory_moved_out_openat2, WHOLE_JAIL_WITHOUT_LANDLOCK,
		OAKUM_LEVEL_CHROOT, CONTAINED },
	{ "leaked fd", leaked_directory, WHOLE_JAIL_WITHOUT_LANDLOCK, OAKUM_LEVEL_CHROOT,
		CONTAINED },
	{ "moved out", directory_moved_out, WHOLE_JAIL_WITHOUT_LANDLOCK, OAKUM_LEVEL_PIVOTED,
		CONTAINED },
	{ "moved out", directory_moved_out, WHOLE_JAIL_WITHOUT_LANDLOCK, OAKUM_LEVEL_DETACHED,
		CONTAINED },
};

/* Without seccomp a build is level 0, and level 1 is never taken but where it is the minimum. */
static bool can_be_had(const struct row *row)
{
#ifdef OAKUM_SANITIZED
	return row->level != OAKUM_LEVEL_OPENAT2;
#else
	(void)row;
	return true;
#endif
}

static void each_wall_holds_what_the_table_says(void **state)
{
	int wrong = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		if (!can_be_had(row))
			continue;
		enum outcome found = try(row->walls, row->level, row->attack);
		if (found == row->expected)
			continue;
		wrong++;
		print_error("%s, walls %d, level %u: %d instead of %d\n", row->name, row->walls,
			row->level, found, row->expected);
	}
	assert_int_equal(wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_wall_holds_what_the_table_says),
	};

	if (geteuid() != 0) {
		fprintf(stderr, "needs root: the walls below root are tested elsewhere\n");
		return getenv("CI") == NULL ? 77 : 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
