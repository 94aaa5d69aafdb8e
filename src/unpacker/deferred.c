/* SPDX-License-Identifier: Apache-2.0 */
#include "unpacker/deferred.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "layer/path.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum {
	NO_NODE = 0, /* of the rootfs; real ones start at 1 */
	IS_VOID = 1 << 0,
	SETS_OWNER = 1 << 1,
	SETS_MODE = 1 << 2,
};

/* A component of a path. Paths share their beginnings: 1450 levels deep cost 1450 nodes, not a
 * million bytes. */
struct node {
	uint32_t parent;
	uint32_t name; /* offset into names */
};

struct record {
	uint64_t device;
	uint64_t inode;
	int64_t mtime_s;
	uint32_t mtime_ns;
	uint32_t node;
	uint32_t uid;
	uint32_t gid;
	uint32_t xattrs; /* offset into xattr_bytes + 1; 0: none */
	uint16_t mode;
	uint16_t flags;
	uint16_t depth;
};

/* Grows by doubling: with realloc(3) of large blocks untouched pages cost nothing. */
struct bytes {
	char *data;
	size_t length;
	size_t room;
};

struct deferred {
	struct bytes nodes;   /* struct node */
	struct bytes names;   /* terminated strings */
	struct bytes records; /* struct record */
	struct bytes xattrs;  /* count, then (name, size, value) of each */
	uint32_t *slots;      /* by inode: number of a record + 1; 0: free */
	size_t slot_room;     /* a power of two */

	/* the path noted last: node of each of its components, to share */
	uint32_t *chain;
	size_t chain_depth;
	size_t chain_room;
};

struct deferred *deferred_new(void)
{
	return calloc(1, sizeof(struct deferred));
}

void deferred_free(struct deferred *deferred)
{
	if (deferred == NULL)
		return;
	free(deferred->nodes.data);
	free(deferred->names.data);
	free(deferred->records.data);
	free(deferred->xattrs.data);
	free(deferred->slots);
	free(deferred->chain);
	free(deferred);
}

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

static struct node *node_at(const struct deferred *deferred, uint32_t number)
{
	return (struct node *)(void *)deferred->nodes.data + (number - 1);
}

static struct record *record_at(const struct deferred *deferred, uint32_t number)
{
	return (struct record *)(void *)deferred->records.data + number;
}

static size_t record_count(const struct deferred *deferred)
{
	return deferred->records.length / sizeof(struct record);
}

static uint32_t add_node(
	struct deferred *deferred, uint32_t parent, const char *name, size_t length)
{
	size_t offset = deferred->names.length;
	char *copy = extend(&deferred->names, length + 1);
	struct node *node = extend(&deferred->nodes, sizeof(*node));

	if (copy == NULL || node == NULL || offset > UINT32_MAX)
		return NO_NODE;
	memcpy(copy, name, length);
	copy[length] = '\0';
	*node = (struct node){ .parent = parent, .name = (uint32_t)offset };
	return (uint32_t)(deferred->nodes.length / sizeof(*node));
}

static bool is_named(
	const struct deferred *deferred, uint32_t node, const char *name, size_t length)
{
	const char *known = deferred->names.data + node_at(deferred, node)->name;

	return strncmp(known, name, length) == 0 && known[length] == '\0';
}

static int put_in_chain(struct deferred *deferred, size_t depth, uint32_t node)
{
	if (depth == deferred->chain_room) {
		size_t room = depth * 2 + 64;
		uint32_t *larger = realloc(deferred->chain, room * sizeof(*larger));
		if (larger == NULL)
			return -ENOMEM;
		deferred->chain = larger;
		deferred->chain_room = room;
	}
	deferred->chain[depth] = node;
	deferred->chain_depth = depth + 1;
	return 0;
}

/* The node of a clean path: layers come in order, so nearly all of it is that of the path before.
 */
static int find_node(struct deferred *deferred, const char *path, uint32_t *found)
{
	size_t depth = 0;

	*found = NO_NODE;
	while (*path != '\0') {
		size_t length = strcspn(path, "/");
		uint32_t node = depth < deferred->chain_depth ? deferred->chain[depth] : NO_NODE;
		if (node == NO_NODE || !is_named(deferred, node, path, length)) {
			node = add_node(deferred, *found, path, length);
			if (node == NO_NODE || put_in_chain(deferred, depth, node) < 0)
				return -ENOMEM;
		}
		*found = node;
		depth++;
		path += length;
		path += *path == '/';
	}
	return 0;
}

static size_t find_slot(const struct deferred *deferred, uint64_t device, uint64_t inode)
{
	uint64_t mixed = (inode ^ device << 32) * UINT64_C(0x9e3779b97f4a7c15);
	size_t at = (mixed >> 20) & (deferred->slot_room - 1);

	while (deferred->slots[at] != 0) {
		const struct record *record = record_at(deferred, deferred->slots[at] - 1);
		if (record->device == device && record->inode == inode)
			break;
		at = (at + 1) & (deferred->slot_room - 1);
	}
	return at;
}

static int grow_slots(struct deferred *deferred)
{
	size_t room = deferred->slot_room == 0 ? 256 : deferred->slot_room * 2;
	uint32_t *slots = calloc(room, sizeof(*slots));

	if (slots == NULL)
		return -ENOMEM;
	free(deferred->slots);
	deferred->slots = slots;
	deferred->slot_room = room;
	for (uint32_t i = 0; i < record_count(deferred); i++) {
		const struct record *record = record_at(deferred, i);
		slots[find_slot(deferred, record->device, record->inode)] = i + 1;
	}
	return 0;
}

/* The record of an inode, a new one if there is none; NULL without memory. */
static struct record *claim_record(struct deferred *deferred, dev_t device, ino_t inode)
{
	if (record_count(deferred) * 2 >= deferred->slot_room && grow_slots(deferred) < 0)
		return NULL;
	size_t slot = find_slot(deferred, device, inode);
	if (deferred->slots[slot] != 0)
		return record_at(deferred, deferred->slots[slot] - 1);
	struct record *record = extend(&deferred->records, sizeof(*record));
	if (record == NULL)
		return NULL;
	*record = (struct record){ .device = device, .inode = inode };
	deferred->slots[slot] = (uint32_t)record_count(deferred);
	return record;
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

int deferred_add(struct deferred *deferred, dev_t device, ino_t inode, const char *path,
	const struct metadata *metadata)
{
	struct record *record = claim_record(deferred, device, inode);
	uint32_t node;
	uint32_t xattrs;

	if (record == NULL || find_node(deferred, path, &node) < 0 ||
		store_xattrs(deferred, metadata, &xattrs) < 0)
		return -ENOMEM;
	size_t depth = path_depth(path);
	*record = (struct record){
		.device = device,
		.inode = inode,
		.mtime_s = metadata->mtime_s,
		.mtime_ns = metadata->mtime_ns,
		.node = node,
		.uid = metadata->uid,
		.gid = metadata->gid,
		.xattrs = xattrs,
		.mode = (uint16_t)metadata->mode,
		.flags = (uint16_t)((metadata->sets_owner ? SETS_OWNER : 0) |
				    (metadata->sets_mode ? SETS_MODE : 0)),
		.depth = (uint16_t)(depth < UINT16_MAX ? depth : UINT16_MAX),
	};
	return 0;
}

void deferred_forget(struct deferred *deferred, dev_t device, ino_t inode)
{
	if (deferred->slot_room == 0)
		return;
	size_t slot = find_slot(deferred, device, inode);
	if (deferred->slots[slot] != 0)
		record_at(deferred, deferred->slots[slot] - 1)->flags |= IS_VOID;
}

/* The path of a node, into a new buffer. */
static char *path_of(const struct deferred *deferred, uint32_t node)
{
	size_t length = 0;

	for (uint32_t at = node; at != NO_NODE; at = node_at(deferred, at)->parent)
		length += strlen(deferred->names.data + node_at(deferred, at)->name) + 1;
	char *path = calloc(1, length + 1);
	if (path == NULL)
		return NULL;
	for (uint32_t at = node; at != NO_NODE; at = node_at(deferred, at)->parent) {
		const char *name = deferred->names.data + node_at(deferred, at)->name;
		length -= strlen(name) + 1;
		memcpy(path + length, name, strlen(name));
		if (at != node)
			path[length + strlen(name)] = '/';
	}
	return path;
}

/* Through its parent and without following a link: if it is another directory now, it has its own
 * word. */
static int open_same(const struct record *record, struct parents *parents, const char *path)
{
	struct parent parent;
	struct stat status;
	const char *base = *path == '\0' ? "." : path_base(path);
	int r = parents_open(parents, path, path_parent_length(path), &parent);

	if (r < 0)
		return r;
	cleanup_fd int fd =
		openat(parent.fd, base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) < 0)
		return -errno;
	if (status.st_ino != record->inode || status.st_dev != record->device)
		return -ESTALE;
	return steal_fd(&fd);
}

static bool is_gone(int r)
{
	return r == -ENOENT || r == -ENOTDIR || r == -ELOOP || r == -ESTALE;
}

static int apply_record(const struct deferred *deferred, const struct record *record,
	struct parents *parents, struct oakum_error *err)
{
	cleanup_free char *path = path_of(deferred, record->node);
	cleanup_free struct xattr *xattrs = NULL;
	size_t xattr_count;

	if (path == NULL || load_xattrs(deferred, record->xattrs, &xattrs, &xattr_count) < 0)
		return fail(err, ENOMEM, "finish directories", NULL);
	cleanup_fd int fd = open_same(record, parents, path);
	if (is_gone(fd))
		return 0;
	if (fd < 0)
		return fail(err, -fd, "openat", path);
	const struct metadata metadata = {
		.mode = record->mode,
		.uid = record->uid,
		.gid = record->gid,
		.mtime_s = record->mtime_s,
		.mtime_ns = record->mtime_ns,
		.sets_owner = (record->flags & SETS_OWNER) != 0,
		.sets_mode = (record->flags & SETS_MODE) != 0,
		.xattrs = xattrs,
		.xattr_count = xattr_count,
	};
	return metadata_apply(&metadata, fd, path, err);
}

/* Deepest first; within a depth in the order of the layer, where neighbours share a parent. */
static int compare_records(const void *left, const void *right)
{
	const struct record *one = left;
	const struct record *other = right;

	if (one->depth != other->depth)
		return one->depth > other->depth ? -1 : 1;
	return one->node < other->node ? -1 : one->node > other->node;
}

int deferred_apply(struct deferred *deferred, struct parents *parents, struct oakum_error *err)
{
	size_t count = record_count(deferred);

	if (count > 0)
		qsort(deferred->records.data, count, sizeof(struct record), compare_records);
	for (uint32_t i = 0; i < count; i++) {
		const struct record *record = record_at(deferred, i);
		if ((record->flags & IS_VOID) != 0)
			continue;
		int r = apply_record(deferred, record, parents, err);
		if (r < 0)
			return r;
	}
	return 0;
}
