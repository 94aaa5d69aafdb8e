/* SPDX-License-Identifier: Apache-2.0 */
#include "host/user_namespace.h"

#include "base/cleanup.h"
#include "base/deadline.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/id_map.h"
#include "base/sys.h"
#include "host/subordinate.h"
#include "host/wait.h"
#include "wire/mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	FILE_BYTES_MAX = 4 << 20, /* of /etc/passwd and its like */
	NUMBER_BYTES = 11,	  /* ten digits and what follows */
	RANGE_BYTES = 3 * NUMBER_BYTES,
	TOOL_MS = 10000, /* newuidmap(1) reads two small files and writes a third */
	TOOL_ARGUMENTS = 2 + 3 * REQUEST_RANGES_MAX + 1,
};

static bool has_capabilities(uint64_t wanted)
{
	uint64_t effective;
	uint64_t permitted;

	return sys_capget(&effective, &permitted) == 0 && (effective & wanted) == wanted;
}

/* What unpacking a layer cannot do without; to pack one takes a root alone. */
static bool has_rights(const struct request *request)
{
	const uint64_t to_own = request->operation == REQUEST_PACK ? 0 : UINT64_C(1) << CAP_CHOWN;

	return has_capabilities(UINT64_C(1) << CAP_SYS_CHROOT | to_own);
}

static bool may_map_any(void)
{
	return has_capabilities(UINT64_C(1) << CAP_SETUID | UINT64_C(1) << CAP_SETGID);
}

/* The text of a file; "" if there is none that can be read. */
static char *read_text(const char *path)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = NULL;
	size_t length;

	if (fd < 0 || fd_read_all(fd, FILE_BYTES_MAX, &text, &length) < 0)
		return strdup("");
	return text;
}

static struct oakum_id_range *new_map(void)
{
	return calloc(REQUEST_RANGES_MAX + 1, sizeof(struct oakum_id_range));
}

/* Every id of this namespace as itself: what a caller with root's rights means by no map. */
static int map_all(const char *path, struct oakum_id_range **map)
{
	cleanup_free char *text = read_text(path);
	size_t count = 0;

	*map = new_map();
	if (text == NULL || *map == NULL)
		return -ENOMEM;
	for (const char *at = text; count < REQUEST_RANGES_MAX && id_map_next(&at, &(*map)[count]);
		count++)
		(*map)[count].host = (*map)[count].container;
	(*map)[count] = (struct oakum_id_range){ 0 };
	return count > 0 ? 0 : -ENOENT;
}

/* The caller as 0, and then what was lent to it. Returns how many ranges were lent. */
static ssize_t map_lent(const char *path, const struct subordinate_user *user, uint32_t own_id,
	struct oakum_id_range **map)
{
	cleanup_free char *text = read_text(path);

	*map = new_map();
	if (text == NULL || *map == NULL)
		return -ENOMEM;
	(*map)[0] = (struct oakum_id_range){ .container = 0, .host = own_id, .count = 1 };
	return (ssize_t)subordinate_ranges(text, user, 1, *map + 1, REQUEST_RANGES_MAX - 1);
}

static char newuidmap_path[] = "/usr/bin/newuidmap";
static char newgidmap_path[] = "/usr/bin/newgidmap";

static int map_user(struct user_namespace *space)
{
	cleanup_free char *passwd = read_text("/etc/passwd");
	char name[SUBORDINATE_NAME_BYTES];
	const struct subordinate_user user = { .name = name, .uid = geteuid() };

	if (passwd == NULL)
		return -ENOMEM;
	subordinate_user_name(passwd, user.uid, name);
	ssize_t uids = map_lent("/etc/subuid", &user, user.uid, &space->uid_map);
	ssize_t gids = map_lent("/etc/subgid", &user, getegid(), &space->gid_map);
	if (uids < 0 || gids < 0)
		return -ENOMEM;
	/* All or nothing: users without their groups are no use, nor either without the tools. */
	if (uids == 0 || gids == 0 || access(newuidmap_path, X_OK) < 0 ||
		access(newgidmap_path, X_OK) < 0) {
		space->uid_map[1] = (struct oakum_id_range){ 0 };
		space->gid_map[1] = (struct oakum_id_range){ 0 };
	}
	return 0;
}

static int choose_maps(
	struct request *request, struct user_namespace *space, struct oakum_error *err)
{
	int r;

	if (request->uid_map == NULL && request->gid_map == NULL && !may_map_any()) {
		r = map_user(space);
	} else {
		r = map_all("/proc/self/uid_map", &space->uid_map);
		if (r == 0)
			r = map_all("/proc/self/gid_map", &space->gid_map);
	}
	if (r < 0)
		return fail_because(
			err, -r, "choose ids", NULL, "for the user namespace: is /proc mounted?");
	if (request->uid_map == NULL)
		request->uid_map = space->uid_map;
	if (request->gid_map == NULL)
		request->gid_map = space->gid_map;
	return 0;
}

int user_namespace_resolve(
	struct request *request, struct user_namespace *space, struct oakum_error *err)
{
	*space = (struct user_namespace){ 0 };
	if (request->user_namespace == OAKUM_USER_NAMESPACE_AUTO && has_rights(request))
		request->user_namespace = OAKUM_USER_NAMESPACE_NEVER;
	if (request->user_namespace == OAKUM_USER_NAMESPACE_NEVER)
		return 0;
	int r = choose_maps(request, space, err);
	space->needs_mapping = r == 0 && !mapping_is_of_own_ids(request, geteuid(), getegid());
	return r;
}

void user_namespace_free(struct user_namespace *space)
{
	free(space->uid_map);
	free(space->gid_map);
	*space = (struct user_namespace){ 0 };
}

/* --- when the child asks --- */

struct mapping {
	const struct child *child;
	int64_t deadline;
};

/* By our own right. The pid cannot be another's: the child is alive after the file was opened. */
static int write_map(const struct child *child, const char *name, const struct oakum_id_range *map,
	struct oakum_error *err)
{
	char path[sizeof("/proc//uid_map") + NUMBER_BYTES];
	cleanup_free char *text = calloc(REQUEST_RANGES_MAX + 1, RANGE_BYTES);
	size_t length = 0;

	if (text == NULL)
		return fail(err, ENOMEM, "map ids", NULL);
	for (; map->count > 0; map++)
		length += (size_t)snprintf(text + length, RANGE_BYTES + 1,
			"%" PRIu32 " %" PRIu32 " %" PRIu32 "\n", map->container, map->host,
			map->count);
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)child->entry.pid, name);
	cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0 && child_is_dead(child))
		return 0; /* and has said why, or will be found dead */
	if (fd < 0 || write(fd, text, length) != (ssize_t)length)
		return fail_because(err, errno, "map ids", NULL,
			"the kernel does not take the %s: it may have ids that the caller has no "
			"right to",
			name);
	return 0;
}

/*
 * newuidmap(1) knows what the caller was lent. Whether it did what it should is
 * seen by the child: its exit status may be anybody's.
 */
static int run_tool(const struct mapping *mapping, char *path, const struct oakum_id_range *map,
	struct oakum_error *err)
{
	enum { PID = 0, FIRST = 1 };
	char(*words)[NUMBER_BYTES] = calloc(TOOL_ARGUMENTS, sizeof(*words));
	char **argv = calloc(TOOL_ARGUMENTS, sizeof(*argv));
	size_t count = FIRST;
	int r;

	if (words == NULL || argv == NULL) {
		r = fail(err, ENOMEM, "map ids", NULL);
	} else {
		snprintf(words[PID], sizeof(words[PID]), "%d", (int)mapping->child->entry.pid);
		for (; map->count > 0; map++) {
			snprintf(words[count++], sizeof(*words), "%" PRIu32, map->container);
			snprintf(words[count++], sizeof(*words), "%" PRIu32, map->host);
			snprintf(words[count++], sizeof(*words), "%" PRIu32, map->count);
		}
		argv[0] = path;
		for (size_t i = 0; i < count; i++)
			argv[i + 1] = words[i];
		r = wait_for_tool(path, argv, mapping->deadline, err);
	}
	free(words);
	free(argv);
	return r;
}

static int map_ids(
	const struct mapping *mapping, const struct request *request, struct oakum_error *err)
{
	const struct child *child = mapping->child;
	int r;

	if (may_map_any()) {
		r = write_map(child, "gid_map", request->gid_map, err);
		return r < 0 ? r : write_map(child, "uid_map", request->uid_map, err);
	}
	r = run_tool(mapping, newgidmap_path, request->gid_map, err);
	return r < 0 ? r : run_tool(mapping, newuidmap_path, request->uid_map, err);
}

static int64_t earlier(int64_t deadline, int64_t other)
{
	return deadline < 0 || other < deadline ? other : deadline;
}

int user_namespace_map(const struct child *child, const struct request *request, int64_t deadline,
	struct oakum_error *err)
{
	const struct mapping mapping = { child, earlier(deadline, deadline_from_now(TOOL_MS)) };

	if (!wait_for_word(child, mapping.deadline)) {
		/* Nobody has a handle yet by which this could be cancelled. */
		(void)sys_pidfd_send_signal(child->entry.pidfd, SIGKILL);
		return fail_because(err, ETIMEDOUT, "map ids", NULL,
			"the helper did not come to ask for them: does the file system of the "
			"rootfs answer?");
	}
	if (!mapping_is_asked(child->report_fd))
		return 0;
	int r = map_ids(&mapping, request, err);
	mapping_answer(child->report_fd, r == 0);
	return r;
}
