/* SPDX-License-Identifier: Apache-2.0 */
/* Does this process have less than the host's root? What containers/storage calls IsRootless(). */
#ifndef OAKUM_HELPER_ROOTLESS_H
#define OAKUM_HELPER_ROOTLESS_H

#include <stdbool.h>
#include <sys/types.h>

/* What it depends on. */
struct rootless_facts {
	const char *uid;	/* _CONTAINERS_ROOTLESS_UID, or NULL */
	const char *configured; /* _CONTAINERS_USERNS_CONFIGURED, or NULL */
	uid_t euid;
	bool has_sys_admin;
	const char *uid_map; /* of /proc/self/uid_map; NULL if it cannot be read */
};

bool rootless_by(const struct rootless_facts *facts);

/* Of this process; asks the environment and /proc, so before the root switch. */
bool storage_is_rootless(void);

#endif
