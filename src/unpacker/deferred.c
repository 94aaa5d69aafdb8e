/* SPDX-License-Identifier: Apache-2.0 */
#include "unpacker/deferred.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "layer/path.h"

#include <stdint.h>
#include <string.h>

enum {
	ROOT = 0, /* the record of the rootfs */
	FIRST_SLOTS = 256,
	HAS_METADATA = 1 << 0,
	SETS_OWNER = 1 << 1,
	SETS_MODE = 1 << 2,
	SETS_ATIME = 1 << 3,
	REPLACES_XATTRS = 1 << 4,
};

/*
 * A directory. Its path is its name after that of the record above, which always
 * comes before it: no circles, and backwards is deepest first.
 */
struct record {
	struct inode inode;
	int64_t mtime_s;
	int64_t atime_s;
	uint32_t mtime_ns;
	uint32_t atime_ns;
	uint32_t above;
	uint32_t uid;
	uint32_t gid;
	uint32_t name;	 /* offset into names; a whole path below the rootfs where above is ROOT */
	uint32_t xattrs; /* offset into xattrs + 1; 0: none */
	uint16_t mode;
	uint16_t flags;
};

/* Grows by doubling: with realloc(3) of large blocks untouched pages cost nothing. */
struct bytes {
	char *data;
	size_t length;
	size_t room;
};

struct deferred {
	struct bytes names;   /* terminated strings */
	struct bytes records; /* struct record */
	struct bytes xattrs;  /* count, then (size, name, value) of each */
	uint32_t *slots;      /* by inode: number of a record + 1; 0: free */
	size_t slot_room;     /* a power of two */
	_Atomic(uint64_t) *unset_owners;
};

/* Room for more at the end; the place, or NULL. */
static void *extend(struct bytes *bytes, size_t more)
{
	if (bytes->length + more > bytes->room) {
		size_t room = (bytes->length + more) * 2 + 1024;
		char *larger = realloc(bytes->data, room);
		if (larger == NULL)
			return NULL;
		bytes->data = larger;
		bytes->room = room;
	}
	bytes->length += more;
	return bytes->data + bytes->length - more;
}

static struct record *record_at(const struct deferred *deferred, uint32_t number)
{
	return (struct record *)(void *)deferred->records.data + number;
}

static size_t record_count(const struct deferred *deferred)
{
	return deferred->records.length / sizeof(struct record);
}

static size_t find_slot(const struct deferred *deferred, const struct inode *inode)
{
	uint64_t hash = ((uint64_t)inode->number ^ (uint64_t)inode->device << 40) *
			UINT64_C(0x9e3779b97f4a7c15);
	size_t at = (hash >> 32) & (deferred->slot_room - 1);

	while (deferred->slots[at] != 0 &&
		!is_same_inode(&record_at(deferred, deferred->slots[at] - 1)->inode, inode))
		at = (at + 1) & (deferred->slot_room - 1);
	return at;
}

static int grow_slots(struct deferred *deferred)
{
	size_t room = deferred->slot_room == 0 ? FIRST_SLOTS : deferred->slot_room * 2;
	uint32_t *slots = calloc(room, sizeof(*slots));

	if (slots == NULL)
		return -ENOMEM;
	free(deferred->slots);
	deferred->slots = slots;
	deferred->slot_room = room;
	/* Upwards: where an inode has two records the later one is the one that counts. */
	for (uint32_t i = 0; i < record_count(deferred); i++)
		slots[find_slot(deferred, &record_at(deferred, i)->inode)] = i + 1;
	return 0;
}

struct name {
	const char *bytes;
	size_t length;
};

static int add_record(struct deferred *deferred, const struct inode *inode, uint32_t above,
	struct name name, uint32_t *number)
{
	size_t offset = deferred->names.length;

	if (record_count(deferred) * 2 >= deferred->slot_room && grow_slots(deferred) < 0)
		return -ENOMEM;
	char *copy = extend(&deferred->names, name.length + 1);
	if (copy == NULL || offset > UINT32_MAX || record_count(deferred) > UINT32_MAX - 2)
		return -ENOMEM;
	struct record *record = extend(&deferred->records, sizeof(*record));
	if (record == NULL)
		return -ENOMEM;
	memcpy(copy, name.bytes, name.length);
	copy[name.length] = '\0';
	*record = (struct record){ .inode = *inode, .above = above, .name = (uint32_t)offset };
	*number = (uint32_t)record_count(deferred) - 1;
	deferred->slots[find_slot(deferred, inode)] = *number + 1;
	return 0;
}

struct deferred *deferred_new(const struct inode *root, _Atomic(uint64_t) *unset_owners)
{
	struct deferred *deferred = calloc(1, sizeof(*deferred));
	uint32_t number;

	if (deferred != NULL &&
		add_record(deferred, root, ROOT, (struct name){ "", 0 }, &number) < 0) {
		deferred_free(deferred);
		return NULL;
	}
	if (deferred != NULL)
		deferred->unset_owners = unset_owners;
	return deferred;
}

void deferred_free(struct deferred *deferred)
{
	if (deferred == NULL)
		return;
	free(deferred->names.data);
	free(deferred->records.data);
	free(deferred->xattrs.data);
	free(deferred->slots);
	free(deferred);
}

static bool find_record(
	const struct deferred *deferred, const struct inode *inode, uint32_t *number)
{
	uint32_t found = deferred->slots[find_slot(deferred, inode)];

	*number = found - 1;
	return found != 0;
}

/* A parent that was there before us and that no entry has told about: by its path as it came. */
static int locate_above(
	struct deferred *deferred, const struct deferred_place *place, size_t base, uint32_t *above)
{
	const struct name path = { place->path, base > 0 ? base - 1 : 0 };

	if (find_record(deferred, &place->above, above))
		return 0;
	return add_record(deferred, &place->above, ROOT, path, above);
}

static bool is_named(const struct deferred *deferred, const struct record *record, struct name name)
{
	const char *known = deferred->names.data + record->name;

	return strncmp(known, name.bytes, name.length) == 0 && known[name.length] == '\0';
}

static int locate(struct deferred *deferred, const struct deferred_place *place, uint32_t *number)
{
	size_t base = place->path_length;
	uint32_t above;

	if (place->path_length == 0) {
		*number = ROOT;
		return 0;
	}
	while (base > 0 && place->path[base - 1] != '/')
		base--;
	const struct name name = { place->path + base, place->path_length - base };
	if (locate_above(deferred, place, base, &above) < 0)
		return -ENOMEM;
	if (find_record(deferred, &place->inode, number)) {
		struct record *known = record_at(deferred, *number);
		if (known->above == above && is_named(deferred, known, name))
			return 0;
		known->flags = 0; /* a new one follows, with another path */
	}
	return add_record(deferred, &place->inode, above, name, number);
}

static int store_xattrs(
	struct deferred *deferred, const struct metadata *metadata, uint32_t *stored)
{
	size_t offset = deferred->xattrs.length;
	size_t *count;

	*stored = 0;
	if (metadata->xattr_count == 0)
		return 0;
	count = extend(&deferred->xattrs, sizeof(*count));
	if (count == NULL || offset >= UINT32_MAX)
		return -ENOMEM;
	memcpy(count, &metadata->xattr_count, sizeof(*count));
	for (size_t i = 0; i < metadata->xattr_count; i++) {
		const struct xattr *xattr = &metadata->xattrs[i];
		size_t name_bytes = strlen(xattr->name) + 1;
		char *to = extend(&deferred->xattrs,
			sizeof(xattr->value_bytes) + name_bytes + xattr->value_bytes);
		if (to == NULL)
			return -ENOMEM;
		memcpy(to, &xattr->value_bytes, sizeof(xattr->value_bytes));
		memcpy(to + sizeof(xattr->value_bytes), xattr->name, name_bytes);
		if (xattr->value_bytes > 0)
			memcpy(to + sizeof(xattr->value_bytes) + name_bytes, xattr->value,
				xattr->value_bytes);
	}
	*stored = (uint32_t)offset + 1;
	return 0;
}

/* Borrows from the store; free() the list. */
static int load_xattrs(
	const struct deferred *deferred, uint32_t stored, struct xattr **list, size_t *count)
{
	*list = NULL;
	*count = 0;
	if (stored == 0)
		return 0;
	const char *from = deferred->xattrs.data + stored - 1;
	memcpy(count, from, sizeof(*count));
	from += sizeof(*count);
	*list = calloc(*count, sizeof(**list));
	if (*list == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < *count; i++) {
		struct xattr *xattr = &(*list)[i];
		memcpy(&xattr->value_bytes, from, sizeof(xattr->value_bytes));
		xattr->name = from + sizeof(xattr->value_bytes);
		xattr->value = xattr->name + strlen(xattr->name) + 1;
		from = (const char *)xattr->value + xattr->value_bytes;
	}
	return 0;
}

int deferred_add(struct deferred *deferred, const struct deferred_place *place,
	const struct metadata *metadata)
{
	uint32_t number;
	uint32_t xattrs = 0;

	if (locate(deferred, place, &number) < 0)
		return -ENOMEM;
	if (metadata == NULL) {
		record_at(deferred, number)->flags = 0;
		return 0;
	}
	if (store_xattrs(deferred, metadata, &xattrs) < 0)
		return -ENOMEM;
	struct record *record = record_at(deferred, number);
	record->mtime_s = metadata->mtime_s;
	record->mtime_ns = metadata->mtime_ns;
	record->atime_s = metadata->atime_s;
	record->atime_ns = metadata->atime_ns;
	record->uid = metadata->uid;
	record->gid = metadata->gid;
	record->xattrs = xattrs;
	record->mode = (uint16_t)metadata->mode;
	record->flags = (uint16_t)(HAS_METADATA | (metadata->sets_owner ? SETS_OWNER : 0) |
				   (metadata->sets_mode ? SETS_MODE : 0) |
				   (metadata->sets_atime ? SETS_ATIME : 0) |
				   (metadata->replaces_xattrs ? REPLACES_XATTRS : 0));
	return 0;
}

static size_t name_length(const struct deferred *deferred, uint32_t number)
{
	return strlen(deferred->names.data + record_at(deferred, number)->name);
}

/* The path of a record, into a new buffer. */
static char *path_of(const struct deferred *deferred, uint32_t number)
{
	size_t length = 0;

	for (uint32_t at = number; at != ROOT; at = record_at(deferred, at)->above)
		length += name_length(deferred, at) + 1;
	char *path = calloc(1, length + 1);
	if (path == NULL)
		return NULL;
	for (uint32_t at = number; at != ROOT; at = record_at(deferred, at)->above) {
		size_t bytes = name_length(deferred, at);
		length -= bytes + 1;
		memcpy(path + length, deferred->names.data + record_at(deferred, at)->name, bytes);
		if (at != number)
			path[length + bytes] = '/';
	}
	return path;
}

static bool is_gone(int r)
{
	return r == -ENOENT || r == -ENOTDIR || r == -ELOOP;
}

static int apply_record(const struct deferred *deferred, uint32_t number, struct parents *parents,
	struct oakum_error *err)
{
	const struct record *record = record_at(deferred, number);
	cleanup_free char *path = path_of(deferred, number);
	cleanup_free struct xattr *xattrs = NULL;
	struct parent *directory;
	size_t xattr_count;

	if (path == NULL || load_xattrs(deferred, record->xattrs, &xattrs, &xattr_count) < 0)
		return fail(err, ENOMEM, "finish directories", NULL);
	int r = parents_open(parents, path, strlen(path), &directory);
	if (is_gone(r) || (r == 0 && !is_same_inode(&directory->inode, &record->inode)))
		return 0;
	if (r < 0)
		return fail(err, -r, "open directory", path);
	const struct metadata metadata = {
		.mode = record->mode,
		.uid = record->uid,
		.gid = record->gid,
		.mtime_s = record->mtime_s,
		.mtime_ns = record->mtime_ns,
		.atime_s = record->atime_s,
		.atime_ns = record->atime_ns,
		.sets_mtime = true,
		.sets_atime = (record->flags & SETS_ATIME) != 0,
		.sets_owner = (record->flags & SETS_OWNER) != 0,
		.sets_mode = (record->flags & SETS_MODE) != 0,
		.replaces_xattrs = (record->flags & REPLACES_XATTRS) != 0,
		.xattrs = xattrs,
		.xattr_count = xattr_count,
		.unset_owners = deferred->unset_owners,
	};
	return metadata_apply(&metadata, directory->fd, path, err);
}

int deferred_apply(struct deferred *deferred, struct parents *parents, struct oakum_error *err)
{
	for (size_t i = record_count(deferred); i > 0; i--) {
		const uint32_t number = (uint32_t)i - 1;
		if ((record_at(deferred, number)->flags & HAS_METADATA) == 0)
			continue;
		int r = apply_record(deferred, number, parents, err);
		if (r < 0)
			return r;
	}
	return 0;
}
