/* SPDX-License-Identifier: Apache-2.0 */
#include "jail/jail.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/sys.h"
#include "jail/landlock.h"
#include "jail/root.h"
#include "jail/user_namespace.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* Each was taken away in turn and something that layers need failed. */
static const uint64_t unpacker_capabilities =
	1 << CAP_CHOWN | 1 << CAP_DAC_OVERRIDE | /* create below and open what belongs to others */
	1 << CAP_FOWNER | /* chmod, times, sticky directories, hard links to set-uid files */
	1 << CAP_FSETID | /* set-gid with a foreign group */
	1 << CAP_MKNOD |  /* devices; they cannot be opened */
	UINT64_C(1) << CAP_SETFCAP; /* security.capability */

static const uint64_t reader_capability = 1 << CAP_DAC_READ_SEARCH;

/* Containers have this one rather than the other: it reads too, and Landlock lets nothing be
 * written. */
static const uint64_t reader_second_choice = 1 << CAP_DAC_OVERRIDE;

struct bound {
	int resource;
	rlim_t most;
};

static bool has_root(enum role role)
{
	return role == ROLE_UNPACKER || role == ROLE_PACKER || role == ROLE_VERIFIER;
}

static int set_limits(enum role role, struct oakum_error *err)
{
	/* poll(2) counts descriptors against RLIMIT_NOFILE: not less than it is given. */
	const struct bound bounds[] = {
		{ RLIMIT_CORE, 0 },
		{ RLIMIT_NOFILE, has_root(role) ? 512 : 16 },
	};

	for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
		struct rlimit limit;
		if (getrlimit((__rlimit_resource_t)bounds[i].resource, &limit) < 0)
			return fail(err, errno, "getrlimit", NULL);
		if (limit.rlim_max > bounds[i].most)
			limit.rlim_max = bounds[i].most;
		limit.rlim_cur = limit.rlim_max;
		if (setrlimit((__rlimit_resource_t)bounds[i].resource, &limit) < 0)
			return fail(err, errno, "setrlimit", NULL);
	}
	return 0;
}

static uint64_t capabilities_of(enum role role, uint64_t permitted)
{
	switch (role) {
	case ROLE_MONITOR:
	case ROLE_DECOMPRESSOR:
	case ROLE_LISTER:
	case ROLE_HASHER:
		return 0;
	case ROLE_UNPACKER:
		return unpacker_capabilities;
	case ROLE_PACKER:
	case ROLE_VERIFIER:
		return (permitted & reader_capability) != 0 ? reader_capability
							    : reader_second_choice;
	}
	__builtin_unreachable();
}

/* What the role may keep of what there is: a caller that lacks one unpacks without it. */
static int drop_capabilities(const struct jail *jail, bool is_inner, struct oakum_error *err)
{
	uint64_t effective;
	uint64_t permitted;

	if (sys_capget(&effective, &permitted) < 0)
		return fail(err, errno, "capget", NULL);
	uint64_t wanted = capabilities_of(jail->role, permitted);
	if (jail->wants_trusted_xattrs)
		wanted |= UINT64_C(1) << CAP_SYS_ADMIN;
	if (jail->needs_trusted_xattrs) {
		wanted |= UINT64_C(1) << CAP_SYS_ADMIN;
		if ((permitted & UINT64_C(1) << CAP_SYS_ADMIN) == 0 || is_inner)
			return fail_because(err, EPERM, "keep CAP_SYS_ADMIN", NULL,
				"whiteouts as trusted.overlay.* need it, outside of user "
				"namespaces: use overlay-userxattr, and mount with userxattr");
	}
	if (sys_capset(wanted & permitted) < 0)
		return fail(err, errno, "capset", NULL);
	return 0;
}

/* Nothing to gain by exec, nothing to read or trace by others of the same uid. */
static int forbid_privileges(struct oakum_error *err)
{
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return fail(err, errno, "PR_SET_DUMPABLE", NULL);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return fail(err, errno, "PR_SET_NO_NEW_PRIVS", NULL);
	return 0;
}

static int check_level(const struct jail *jail, struct jail_result *result, struct oakum_error *err)
{
#ifdef OAKUM_SANITIZED
	result->level = 0;
#endif
	if (result->level >= jail->min_level)
		return 0;
	return fail_because(err, EPERM, "raise the walls", NULL,
		"level %u can be had here, at least %u is asked for: run as root, or ask for less",
		result->level, jail->min_level);
}

/* Where the root is left as it is, nothing but Landlock is behind openat2(2). */
static int check_walls(const struct jail_result *result, struct oakum_error *err)
{
	if (result->level != OAKUM_LEVEL_OPENAT2 || (result->walls & OAKUM_WALL_LANDLOCK) != 0)
		return 0;
	return fail_because(err, EPERM, "raise the walls", NULL,
		"level 1 needs Landlock (Linux 5.19), which this kernel does not have");
}

static int switch_root(const struct jail *jail, struct jail_result *result, struct oakum_error *err)
{
	int rootfs_fd = jail->rootfs_fd;
	const struct root_request request = {
		.rootfs_fd = rootfs_fd,
		.max_level = jail->max_level,
		.has_submounts = jail->has_submounts,
		.is_read_only = jail->role != ROLE_UNPACKER,
		.may_stay = jail->min_level == OAKUM_LEVEL_OPENAT2,
	};
	int r = root_switch(&request, &result->level, &result->walls, err);

	if (r < 0)
		return r;
	result->root_fd = r;
	/* The caller's own descriptor would lead out of the root, whatever root that is. */
	close(rootfs_fd);
	return check_level(jail, result, err);
}

/*
 * The order is the argument:
 *   descriptors   first: a leaked directory leads round every wall that follows
 *   root          needs the capabilities that go next
 *   limits        before no hand is left to set them
 *   capabilities  from here on there is no way to undo a wall
 *   no_new_privs  what Landlock and seccomp ask of a process without CAP_SYS_ADMIN
 *   Landlock      last, for nothing above may need a file any more
 * seccomp follows in jail_seal(), when the threads are there.
 */
int jail_enter(const struct jail *jail, struct jail_result *result, struct oakum_error *err)
{
	/* Asked for while there is a /proc to be seen. */
	const bool is_inner = jail->needs_trusted_xattrs && user_namespace_is_inner();
	int r;

	*result = (struct jail_result){ .root_fd = -1 };
	if (jail->has_user_namespace)
		result->walls |= OAKUM_WALL_USER_NAMESPACE;
	r = fd_keep_only(jail->keep_fds, jail->keep_count);
	if (r < 0)
		return fail(err, -r, "close_range", NULL);
	if (has_root(jail->role)) {
		r = switch_root(jail, result, err);
		if (r < 0)
			return r;
	}
	umask(0); /* modes are what the layer says, from the first open(2) on */
	r = set_limits(jail->role, err);
	if (r == 0)
		r = drop_capabilities(jail, is_inner, err);
	if (r == 0)
		r = forbid_privileges(err);
	if (r < 0)
		return r;
	result->walls |= OAKUM_WALL_CAPABILITIES;
	const struct landlock_root root = {
		.may_signal = jail->role == ROLE_MONITOR, /* it ends the others */
		.fd = result->root_fd,
		.may_write = jail->role == ROLE_UNPACKER,
	};
	r = landlock_enter(&root, jail->max_landlock_abi, &result->walls, err);
	return r < 0 ? r : check_walls(result, err);
}
