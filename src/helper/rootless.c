/* SPDX-License-Identifier: Apache-2.0 */
#include "helper/rootless.h"

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/sys.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { UID_MAP_MAX = 64 << 10 };

/* A number other than 0, as Go's strconv.Atoi takes it; anything else counts as none. */
static bool is_other_than_root(const char *uid)
{
	const char *digits = uid + (*uid == '-' || *uid == '+');

	return *digits != '\0' && digits[strspn(digits, "0123456789")] == '\0' &&
	       digits[strspn(digits, "0")] != '\0';
}

bool rootless_by(const struct rootless_facts *facts)
{
	if (facts->uid != NULL && *facts->uid != '\0' ? is_other_than_root(facts->uid)
						      : facts->euid != 0)
		return true;
	if (facts->configured != NULL && *facts->configured != '\0')
		return true;
	if (!facts->has_sys_admin)
		return true;
	/* The whole range of ids is only there in the first user namespace. */
	return facts->uid_map != NULL && strstr(facts->uid_map, "4294967295") == NULL;
}

bool storage_is_rootless(void)
{
	cleanup_free char *uid_map = NULL;
	uint64_t effective = 0;
	uint64_t permitted;
	size_t length;
	struct rootless_facts facts = {
		.uid = getenv("_CONTAINERS_ROOTLESS_UID"),
		.configured = getenv("_CONTAINERS_USERNS_CONFIGURED"),
		.euid = geteuid(),
	};
	cleanup_fd int fd = open("/proc/self/uid_map", O_RDONLY | O_CLOEXEC);

	/* What cannot be asked counts as not rootless. */
	facts.has_sys_admin = sys_capget(&effective, &permitted) < 0 ||
			      (effective & UINT64_C(1) << CAP_SYS_ADMIN) != 0;
	if (fd >= 0 && fd_read_all(fd, UID_MAP_MAX, &uid_map, &length) == 0)
		facts.uid_map = uid_map;
	return rootless_by(&facts);
}
