/* SPDX-License-Identifier: Apache-2.0 */
#include "unpacker/deferred.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "layer/path.h"
#include "unpacker/spill.h"

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
	IS_CHANGED = 1 << 5, /* names in it, or itself */
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
	uint32_t name; /* a place in the store; a whole path below the rootfs where above is ROOT */
	uint32_t xattrs; /* a place in the store + 1; 0: none */
	uint16_t mode;
	uint16_t flags;
};

struct deferred {
	struct spill *store; /* names and attributes: as long as a layer likes */
	struct record *records;
	size_t count;
	size_t room;
	uint32_t *slots;  /* by inode: number of a record + 1; 0: free */
	size_t slot_room; /* a power of two */
	struct forgiven *forgiven;
};

static struct record *record_at(const struct deferred *deferred, uint32_t number)
{
	return &deferred->records[number];
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
	for (uint32_t i = 0; i < deferred->count; i++)
		slots[find_slot(deferred, &record_at(deferred, i)->inode)] = i + 1;
	return 0;
}

/* --- the store: each thing in it starts at a multiple of four, so that 32 bits are enough --- */

enum { PLACE_BYTES = 4 };

/* Where the next thing will stand. 0 or -errno. */
static int new_place(struct deferred *deferred, uint32_t *place)
{
	static const char padding[PLACE_BYTES];
	const uint64_t end = spill_end(deferred->store);

	if (end / PLACE_BYTES >= UINT32_MAX - 1)
		return -ENOMEM;
	*place = (uint32_t)((end + PLACE_BYTES - 1) / PLACE_BYTES);
	return spill_add(deferred->store, padding, (size_t)(-end % PLACE_BYTES));
}

static uint64_t offset_of(uint32_t place)
{
	return (uint64_t)place * PLACE_BYTES;
}

struct name {
	const char *bytes;
	size_t length;
};

/* Its length, and then the name. */
static int store_name(struct deferred *deferred, struct name name, uint32_t *place)
{
	const uint32_t length = (uint32_t)name.length;
	int r = new_place(deferred, place);

	if (r == 0)
		r = spill_add(deferred->store, &length, sizeof(length));
	return r < 0 ? r : spill_add(deferred->store, name.bytes, name.length);
}

static int load_length(const struct deferred *deferred, uint32_t number, uint32_t *length)
{
	return spill_read(deferred->store, offset_of(record_at(deferred, number)->name), length,
		sizeof(*length));
}

/* length bytes of the name. */
static int load_name(const struct deferred *deferred, uint32_t number, uint32_t length, char *bytes)
{
	return spill_read(deferred->store,
		offset_of(record_at(deferred, number)->name) + sizeof(length), bytes, length);
}

/* --- records --- */

/* By half more: with realloc(3) of large blocks untouched pages cost nothing. */
static int reserve_record(struct deferred *deferred)
{
	if (deferred->count < deferred->room)
		return 0;
	if (deferred->count > UINT32_MAX - 2)
		return -ENOMEM;
	size_t room = deferred->room + deferred->room / 2 + 64;
	struct record *larger = realloc(deferred->records, room * sizeof(*larger));
	if (larger == NULL)
		return -ENOMEM;
	deferred->records = larger;
	deferred->room = room;
	return 0;
}

static int add_record(struct deferred *deferred, const struct inode *inode, uint32_t above,
	struct name name, uint32_t *number)
{
	struct record record = { .inode = *inode, .above = above };

	if (deferred->count * 2 >= deferred->slot_room && grow_slots(deferred) < 0)
		return -ENOMEM;
	int r = reserve_record(deferred);
	if (r == 0)
		r = store_name(deferred, name, &record.name);
	if (r < 0)
		return r;
	*number = (uint32_t)deferred->count++;
	deferred->records[*number] = record;
	deferred->slots[find_slot(deferred, inode)] = *number + 1;
	return 0;
}

struct deferred *deferred_new(int root_fd, const struct inode *root, struct forgiven *forgiven)
{
	struct deferred *deferred = calloc(1, sizeof(*deferred));
	uint32_t number;

	if (deferred == NULL)
		return NULL;
	deferred->forgiven = forgiven;
	deferred->store = spill_new(root_fd);
	if (deferred->store == NULL ||
		add_record(deferred, root, ROOT, (struct name){ "", 0 }, &number) < 0) {
		deferred_free(deferred);
		return NULL;
	}
	return deferred;
}

void deferred_free(struct deferred *deferred)
{
	if (deferred == NULL)
		return;
	spill_free(deferred->store);
	free(deferred->records);
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

/* 1 if it is the name of the record, 0 if not, or -errno. */
static int is_named(const struct deferred *deferred, uint32_t number, struct name name)
{
	uint32_t length;
	int r = load_length(deferred, number, &length);

	if (r < 0 || length != name.length)
		return r;
	cleanup_free char *known = malloc(length + 1);
	if (known == NULL)
		return -ENOMEM;
	r = load_name(deferred, number, length, known);
	return r < 0 ? r : memcmp(known, name.bytes, length) == 0;
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
	int r = locate_above(deferred, place, base, &above);
	if (r < 0)
		return r;
	record_at(deferred, above)->flags |= IS_CHANGED;
	if (find_record(deferred, &place->inode, number)) {
		struct record *known = record_at(deferred, *number);
		r = known->above == above ? is_named(deferred, *number, name) : 0;
		if (r != 0)
			return r < 0 ? r : 0;
		known->flags = 0; /* a new one follows, with another path */
	}
	return add_record(deferred, &place->inode, above, name, number);
}

/* --- attributes: how many, how long, and then of each its size, name and value --- */

struct stored_xattrs {
	size_t count;
	size_t bytes; /* of all that follows */
};

static int store_xattr(struct deferred *deferred, const struct xattr *xattr)
{
	int r = spill_add(deferred->store, &xattr->value_bytes, sizeof(xattr->value_bytes));

	if (r == 0)
		r = spill_add(deferred->store, xattr->name, strlen(xattr->name) + 1);
	return r < 0 ? r : spill_add(deferred->store, xattr->value, xattr->value_bytes);
}

static int store_xattrs(
	struct deferred *deferred, const struct metadata *metadata, uint32_t *stored)
{
	struct stored_xattrs head = { .count = metadata->xattr_count };
	uint32_t place;

	*stored = 0;
	if (head.count == 0)
		return 0;
	for (size_t i = 0; i < head.count; i++)
		head.bytes += sizeof(metadata->xattrs[i].value_bytes) +
			      strlen(metadata->xattrs[i].name) + 1 +
			      metadata->xattrs[i].value_bytes;
	int r = new_place(deferred, &place);
	if (r < 0)
		return r;
	*stored = place + 1;
	r = spill_add(deferred->store, &head, sizeof(head));
	for (size_t i = 0; r == 0 && i < head.count; i++)
		r = store_xattr(deferred, &metadata->xattrs[i]);
	return r;
}

/* With what they point at, in one block: free() the list. */
static int load_xattrs(
	const struct deferred *deferred, uint32_t stored, struct xattr **list, size_t *count)
{
	struct stored_xattrs head;

	*list = NULL;
	*count = 0;
	if (stored == 0)
		return 0;
	int r = spill_read(deferred->store, offset_of(stored - 1), &head, sizeof(head));
	if (r < 0)
		return r;
	cleanup_free struct xattr *found = malloc(head.count * sizeof(*found) + head.bytes);
	if (found == NULL)
		return -ENOMEM;
	char *from = (char *)(found + head.count);
	r = spill_read(deferred->store, offset_of(stored - 1) + sizeof(head), from, head.bytes);
	if (r < 0)
		return r;
	for (size_t i = 0; i < head.count; i++) {
		struct xattr *xattr = &found[i];
		memcpy(&xattr->value_bytes, from, sizeof(xattr->value_bytes));
		from += sizeof(xattr->value_bytes);
		xattr->name = from;
		from += strlen(from) + 1;
		xattr->value = from;
		from += xattr->value_bytes;
	}
	*count = head.count;
	*list = steal_ptr(&found);
	return 0;
}

int deferred_add(struct deferred *deferred, const struct deferred_place *place,
	const struct metadata *metadata)
{
	uint32_t number;
	uint32_t xattrs = 0;
	int r = locate(deferred, place, &number);

	if (r < 0)
		return r;
	if (metadata == NULL) {
		record_at(deferred, number)->flags = IS_CHANGED;
		return 0;
	}
	r = store_xattrs(deferred, metadata, &xattrs);
	if (r < 0)
		return r;
	struct record *record = record_at(deferred, number);
	record->mtime_s = metadata->mtime_s;
	record->mtime_ns = metadata->mtime_ns;
	record->atime_s = metadata->atime_s;
	record->atime_ns = metadata->atime_ns;
	record->uid = metadata->uid;
	record->gid = metadata->gid;
	record->xattrs = xattrs;
	record->mode = (uint16_t)metadata->mode;
	record->flags =
		(uint16_t)(HAS_METADATA | IS_CHANGED | (metadata->sets_owner ? SETS_OWNER : 0) |
			   (metadata->sets_mode ? SETS_MODE : 0) |
			   (metadata->sets_atime ? SETS_ATIME : 0) |
			   (metadata->replaces_xattrs ? REPLACES_XATTRS : 0));
	return 0;
}

int deferred_note_changed(
	struct deferred *deferred, const struct inode *directory, const char *path, size_t length)
{
	uint32_t number = ROOT;

	if (length > 0 && !find_record(deferred, directory, &number)) {
		int r = add_record(
			deferred, directory, ROOT, (struct name){ path, length }, &number);
		if (r < 0)
			return r;
	}
	record_at(deferred, number)->flags |= IS_CHANGED;
	return 0;
}

/* The path of a record, into a new buffer. */
static int path_of(const struct deferred *deferred, uint32_t number, char **path)
{
	uint32_t bytes;
	size_t length = 0;

	for (uint32_t at = number; at != ROOT; at = record_at(deferred, at)->above) {
		int r = load_length(deferred, at, &bytes);
		if (r < 0)
			return r;
		length += bytes + 1;
	}
	cleanup_free char *found = calloc(1, length + 1);
	if (found == NULL)
		return -ENOMEM;
	for (uint32_t at = number; at != ROOT; at = record_at(deferred, at)->above) {
		int r = load_length(deferred, at, &bytes);
		if (r < 0)
			return r;
		length -= bytes + 1;
		r = load_name(deferred, at, bytes, found + length);
		if (r < 0)
			return r;
		if (at != number)
			found[length + bytes] = '/';
	}
	*path = steal_ptr(&found);
	return 0;
}

static bool is_gone(int r)
{
	return r == -ENOENT || r == -ENOTDIR || r == -ELOOP;
}

/* 1; 0 if the path does not lead there any more, or -errno with *err. */
static int open_record(const struct record *record, const char *path, struct parents *parents,
	struct parent **directory, struct oakum_error *err)
{
	int r = parents_open(parents, path, strlen(path), directory);

	if (is_gone(r) || (r == 0 && !is_same_inode(&(*directory)->inode, &record->inode)))
		return 0;
	return r < 0 ? fail(err, -r, "open directory", path) : 1;
}

static int apply_record(const struct deferred *deferred, uint32_t number, struct parents *parents,
	struct oakum_error *err)
{
	const struct record *record = record_at(deferred, number);
	cleanup_free char *path = NULL;
	cleanup_free struct xattr *xattrs = NULL;
	struct parent *directory;
	size_t xattr_count = 0;
	int r = path_of(deferred, number, &path);

	if (r == 0)
		r = load_xattrs(deferred, record->xattrs, &xattrs, &xattr_count);
	if (r < 0)
		return fail(err, -r, "finish directories", path);
	r = open_record(record, path, parents, &directory, err);
	if (r <= 0)
		return r;
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
		.forgiven = deferred->forgiven,
	};
	return metadata_apply(&metadata, directory->fd, path, err);
}

int deferred_apply(struct deferred *deferred, struct parents *parents, struct oakum_error *err)
{
	for (size_t i = deferred->count; i > 0; i--) {
		const uint32_t number = (uint32_t)i - 1;
		if ((record_at(deferred, number)->flags & HAS_METADATA) == 0)
			continue;
		int r = apply_record(deferred, number, parents, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* As open_record(). */
static int sync_record(const struct deferred *deferred, uint32_t number, struct parents *parents,
	struct oakum_error *err)
{
	cleanup_free char *path = NULL;
	struct parent *directory;
	int r = path_of(deferred, number, &path);

	if (r < 0)
		return fail(err, -r, "finish directories", path);
	r = open_record(record_at(deferred, number), path, parents, &directory, err);
	if (r <= 0)
		return r;
	if (fsync(directory->fd) == 0)
		return 1;
	/* One that may be passed and not read is held by a path alone. */
	return errno == EBADF ? 0 : fail(err, errno, "fsync", path);
}

static int sync_root(struct parents *parents, bool with_all, struct oakum_error *err)
{
	struct parent *root;
	int r = parents_open(parents, "", 0, &root);

	if (r < 0)
		return fail(err, -r, "open rootfs", NULL);
	if (with_all)
		return syncfs(root->fd) < 0 ? fail(err, errno, "syncfs", NULL) : 0;
	return fsync(root->fd) < 0 ? fail(err, errno, "fsync", NULL) : 0;
}

int deferred_sync(struct deferred *deferred, struct parents *parents, struct oakum_error *err)
{
	bool is_lost = false;

	for (size_t i = deferred->count; i > ROOT + 1; i--) {
		const uint32_t number = (uint32_t)i - 1;
		if ((record_at(deferred, number)->flags & IS_CHANGED) == 0)
			continue;
		int r = sync_record(deferred, number, parents, err);
		if (r < 0)
			return r;
		is_lost |= r == 0;
	}
	return sync_root(parents, is_lost, err);
}
