/* SPDX-License-Identifier: Apache-2.0 */
#include "layer/tally.h"

#include <string.h>

int tally_entry(struct tally *tally, const struct entry *entry, struct oakum_error *err)
{
	tally->entries++;
	if (tally->entries > tally->limits->entries)
		return limit_exceeded(err, "entries", tally->limits->entries, entry->name);
	return 0;
}

int tally_xattrs(struct tally *tally, const struct entry *entry, struct oakum_error *err)
{
	const struct limits *limits = tally->limits;
	uint64_t bytes = 0;

	if (entry->xattr_count > limits->entry_xattrs)
		return limit_exceeded(err, "entry-xattrs", limits->entry_xattrs, entry->name);
	for (size_t i = 0; i < entry->xattr_count; i++) {
		const struct xattr *xattr = &entry->xattrs[i];
		if (xattr->value_bytes > limits->xattr_bytes)
			return limit_exceeded(err, "xattr-bytes", limits->xattr_bytes, entry->name);
		bytes += strlen(xattr->name) + xattr->value_bytes;
	}
	tally->xattr_bytes += bytes;
	if (bytes > limits->entry_xattr_bytes)
		return limit_exceeded(
			err, "entry-xattr-bytes", limits->entry_xattr_bytes, entry->name);
	if (tally->xattr_bytes > limits->layer_xattr_bytes)
		return limit_exceeded(
			err, "layer-xattr-bytes", limits->layer_xattr_bytes, entry->name);
	return 0;
}

int tally_content(struct tally *tally, uint64_t bytes, const char *path, struct oakum_error *err)
{
	const uint64_t limit = tally->limits->content_bytes;

	if (bytes > limit || tally->content_bytes > limit - bytes)
		return limit_exceeded(err, "content-bytes", limit, path);
	tally->content_bytes += bytes;
	return 0;
}

bool tally_is_over(const struct tally *tally)
{
	return tally->entries > tally->limits->entries ||
	       tally->xattr_bytes > tally->limits->layer_xattr_bytes;
}
