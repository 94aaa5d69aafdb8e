/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/brought.h"

#include <errno.h>

int brought_init(struct brought *brought)
{
	int r = key_make_secret(&brought->secret);

	return r < 0 ? r : placed_init(&brought->placed);
}

void brought_free(struct brought *brought)
{
	placed_free(&brought->placed);
	moments_free(&brought->times);
}

static uint64_t key_of(const struct brought *brought, const struct inode *directory)
{
	return key_in(&brought->secret, directory, "", 0);
}

/* Another directory each time; numbers of devices are of 32 bits. */
static struct inode at_this_time(const struct brought *brought, const struct inode *directory)
{
	struct inode inode = *directory;

	if (brought->times.count > 0)
		inode.device ^= moments_last(&brought->times, key_of(brought, directory)) << 32;
	return inode;
}

int brought_add(struct brought *brought, const struct inode *directory, const char *name)
{
	const struct inode inode = at_this_time(brought, directory);

	return placed_add(&brought->placed, &inode, name);
}

bool brought_has(const struct brought *brought, const struct inode *directory, const char *name)
{
	const struct inode inode = at_this_time(brought, directory);

	return placed_has(&brought->placed, &inode, name);
}

/* No file has such a name. */
static const char *const mark_names[] = {
	[BROUGHT_LOOKED] = "/looked",
	[BROUGHT_OPAQUE] = "/opaque",
	[BROUGHT_WHITEOUTS] = "/whiteouts",
};

int brought_mark(struct brought *brought, const struct inode *directory, enum brought_mark mark)
{
	return brought_add(brought, directory, mark_names[mark]);
}

bool brought_is_marked(
	const struct brought *brought, const struct inode *directory, enum brought_mark mark)
{
	return brought_has(brought, directory, mark_names[mark]);
}

int brought_renew(struct brought *brought, const struct inode *directory)
{
	const uint64_t key = key_of(brought, directory);

	if (moments_watch(&brought->times, key) < 0)
		return -ENOMEM;
	moments_note(&brought->times, key, moments_last(&brought->times, key) + 1);
	return 0;
}
