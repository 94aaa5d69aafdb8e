/* SPDX-License-Identifier: Apache-2.0 */
#include "jail/landlock.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/sys.h"

#include <errno.h>
#include <linux/landlock.h>
#include <stddef.h>

/* Younger than the headers of Debian 12. */
enum {
	FS_TRUNCATE = 1 << 14,	/* ABI 3 */
	FS_IOCTL_DEV = 1 << 15, /* ABI 5 */
};

/* struct landlock_ruleset_attr as of ABI 6. */
struct ruleset {
	uint64_t handled_fs;
	uint64_t handled_net;
	uint64_t scoped;
};

enum {
	ABI_REFER = 2,
	ABI_TRUNCATE = 3,
	ABI_NET = 4,
	ABI_IOCTL_DEV = 5,
	ABI_SCOPED = 6,
	NET_BIND_AND_CONNECT = 3,
	SCOPE_SOCKETS = 1,
	SCOPE_SIGNALS = 2,
};

static int known_abi(int max_abi)
{
	int abi = sys_landlock_create_ruleset(NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	return max_abi > 0 && abi > max_abi ? max_abi : abi;
}

/* The ruleset of this ABI and the size of struct that its kernels know. */
static size_t describe(int abi, bool may_signal, struct ruleset *ruleset)
{
	*ruleset = (struct ruleset){
		.handled_fs = (LANDLOCK_ACCESS_FS_REFER << 1) - 1, /* all up to ABI 2 */
	};
	if (abi >= ABI_TRUNCATE)
		ruleset->handled_fs |= FS_TRUNCATE;
	if (abi >= ABI_IOCTL_DEV)
		ruleset->handled_fs |= FS_IOCTL_DEV;
	if (abi >= ABI_NET)
		ruleset->handled_net = NET_BIND_AND_CONNECT;
	if (abi >= ABI_SCOPED) {
		ruleset->scoped = may_signal ? SCOPE_SOCKETS : SCOPE_SOCKETS | SCOPE_SIGNALS;
		return sizeof(*ruleset);
	}
	return abi >= ABI_NET ? offsetof(struct ruleset, scoped)
			      : offsetof(struct ruleset, handled_net);
}

/* What is left of the rights that are handled. */
static uint64_t rights_below(const struct landlock_root *root, const struct ruleset *ruleset)
{
	if (!root->may_write)
		return LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
	return ruleset->handled_fs & ~(uint64_t)(LANDLOCK_ACCESS_FS_EXECUTE | FS_IOCTL_DEV);
}

int landlock_enter(
	const struct landlock_root *root, int max_abi, uint32_t *walls, struct oakum_error *err)
{
	struct ruleset ruleset;
	int abi = known_abi(max_abi);

	if (abi < ABI_REFER)
		return 0;
	size_t bytes = describe(abi, root->may_signal, &ruleset);
	cleanup_fd int ruleset_fd =
		sys_landlock_create_ruleset((struct landlock_ruleset_attr *)&ruleset, bytes, 0);
	if (ruleset_fd < 0)
		return fail(err, errno, "landlock_create_ruleset", NULL);
	if (root->fd >= 0) {
		struct landlock_path_beneath_attr rule = {
			.allowed_access = rights_below(root, &ruleset),
			.parent_fd = root->fd,
		};
		if (sys_landlock_add_path(ruleset_fd, &rule) < 0)
			return fail(err, errno, "landlock_add_rule", NULL);
	}
	if (sys_landlock_restrict_self(ruleset_fd) < 0)
		return fail(err, errno, "landlock_restrict_self", NULL);
	*walls |= OAKUM_WALL_LANDLOCK;
	return 0;
}
