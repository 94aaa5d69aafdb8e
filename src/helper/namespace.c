/* SPDX-License-Identifier: Apache-2.0 */
#include "helper/namespace.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "jail/user_namespace.h"
#include "monitor/monitor.h"
#include "wire/mapping.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

/* Until the caller has written the maps, or is dead. */
static int ask_caller(struct oakum_error *err)
{
	struct pollfd fds[] = {
		{ .fd = FD_REPORT, .events = POLLIN },
		{ .fd = FD_CALLER, .events = POLLIN },
	};
	int r = mapping_ask(FD_REPORT);

	while (r == 0 && poll(fds, 2, -1) < 0 && errno == EINTR)
		continue;
	if (r == 0 && fds[1].revents != 0)
		_exit(1);
	if (r == 0)
		r = mapping_take_answer(FD_REPORT);
	return r < 0 ? fail_because(err, -r, "map ids", NULL, "the caller could not map them") : 0;
}

/* An id in the namespace is what the layer says: it has to be one that is mapped. */
static int map_onto_themselves(const struct oakum_id_range **map)
{
	size_t count = 0;

	while ((*map)[count].count > 0)
		count++;
	struct oakum_id_range *copy = calloc(count + 1, sizeof(*copy));
	if (copy == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		copy[i] = (struct oakum_id_range){
			.container = (*map)[i].container,
			.host = (*map)[i].container,
			.count = (*map)[i].count,
		};
	free_const(*map);
	*map = copy;
	return 0;
}

static int map_ids(const struct request *request, uid_t uid, gid_t gid, struct oakum_error *err)
{
	int r;

	if (mapping_is_of_own_ids(request, uid, gid))
		return user_namespace_map_own(request->uid_map, request->gid_map, err);
	r = ask_caller(err);
	return r < 0 ? r : user_namespace_check(request->uid_map, request->gid_map, err);
}

static int become_root(struct oakum_error *err)
{
	/* Ids in the map were chosen so that 0 is one; the kernel's own 0 is nobody here. */
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return fail_because(err, errno, "become root of the user namespace", NULL,
			"the maps have to give it an id 0");
	return 0;
}

int namespace_enter(struct request *request, struct oakum_error *err)
{
	const uid_t uid = geteuid();
	const gid_t gid = getegid();
	bool is_inside;

	if (request->user_namespace == OAKUM_USER_NAMESPACE_NEVER)
		return 0;
	int r = user_namespace_enter(FD_ROOTFS, &is_inside, err);
	if (r < 0 && !is_inside && request->user_namespace == OAKUM_USER_NAMESPACE_AUTO &&
		request->min_level == OAKUM_LEVEL_OPENAT2) {
		request->user_namespace = OAKUM_USER_NAMESPACE_NEVER;
		return 0;
	}
	if (r == 0)
		r = map_ids(request, uid, gid, err);
	if (r == 0)
		r = become_root(err);
	if (r < 0)
		return r;
	if (map_onto_themselves(&request->uid_map) < 0 ||
		map_onto_themselves(&request->gid_map) < 0)
		return fail(err, ENOMEM, "map ids", NULL);
	request->user_namespace = OAKUM_USER_NAMESPACE_ALWAYS;
	return 0;
}
