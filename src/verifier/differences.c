/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/differences.h"

#include "base/error.h"
#include "layer/path.h"
#include "verifier/key.h"
#include "verifier/moments.h"

#include <stdlib.h>
#include <string.h>

enum {
	WAS_DIRECTORY = 1, /* of an entry, beside its number */
	WAS_SYMLINK = 2,
	KIND_BITS = WAS_DIRECTORY | WAS_SYMLINK,
	NEXT_MOMENT = 4,
	STRINGS = 4, /* of a difference */
	NONE = '-',  /* before each of them */
	SOME = '+',
};

/* Followed by its keys, from the top down, and its strings. */
struct record {
	uint64_t moment;	/* number of the entry */
	size_t bytes;		/* to the next record */
	uint64_t other;		/* key of a hard link's target; 0: there is none */
	struct inode directory; /* that the name is in; itself where that is what is asked for */
	uint32_t hold;
	uint32_t kind;
	uint32_t key_count; /* the last is that of the name itself; else of what is above */
	uint32_t is_there;  /* 1: the directory is */
};

/* The names of a path, and what they are known by. */
struct keys {
	uint64_t *list;
	size_t count;
	size_t room;
	struct inode directory; /* that the last one is in */
	bool is_there;
};

struct differences {
	struct parents *parents;
	const struct brought *brought;
	struct key_secret secret;
	uint64_t moment;
	uint64_t kind;		    /* of the entry of that moment */
	struct moments ways;	    /* names that other names have led through */
	struct moments directories; /* path -> key of its name, for ways that are gone again */
	struct moments named;	    /* names of which an entry has come */
	struct moments taken_away;  /* the same, of entries that are no directories */
	struct keys keys;	    /* of a name */
	struct keys all_keys;	    /* of all that a difference hangs on */
	char *held;		    /* records */
	size_t held_bytes;
	size_t held_room;
	size_t watched_bytes;
	char *last_parent;
};

int differences_new(int root_fd, const struct brought *brought, struct differences **differences)
{
	struct differences *new = calloc(1, sizeof(*new));

	if (new == NULL)
		return -ENOMEM;
	new->parents = parents_new(root_fd);
	new->brought = brought;
	int r = new->parents == NULL ? -ENOMEM : key_make_secret(&new->secret);
	if (r < 0) {
		differences_free(new);
		return r;
	}
	*differences = new;
	return 0;
}

void differences_free(struct differences *differences)
{
	if (differences == NULL)
		return;
	parents_free(differences->parents);
	moments_free(&differences->ways);
	moments_free(&differences->directories);
	moments_free(&differences->named);
	free(differences->last_parent);
	moments_free(&differences->taken_away);
	free(differences->keys.list);
	free(differences->all_keys.list);
	free(differences->held);
	free(differences);
}

/* --- names --- */

static int add_key(struct keys *keys, uint64_t key)
{
	if (keys->count == keys->room) {
		size_t room = keys->room * 2 + 16;
		uint64_t *larger = realloc(keys->list, room * sizeof(*larger));
		if (larger == NULL)
			return -ENOMEM;
		keys->list = larger;
		keys->room = room;
	}
	keys->list[keys->count++] = key;
	return 0;
}

/* Finds the directory at the first length bytes of path, if there is one. */
static void enter(struct differences *d, struct keys *keys, const char *path, size_t length)
{
	struct parent *directory;

	keys->is_there = parents_open(d->parents, path, length, &directory) == 0;
	if (keys->is_there)
		keys->directory = directory->inode;
}

static uint64_t key_of(
	const struct differences *d, const struct keys *keys, const char *name, size_t length)
{
	if (keys->is_there)
		return key_in(&d->secret, &keys->directory, name, length);
	return key_below(&d->secret, keys->list[keys->count - 1], name, length);
}

/* -EFBIG: the layer has more of them than can be kept in mind. */
static int remember(struct differences *d, uint64_t way, uint64_t of_name)
{
	int r = moments_watch(&d->directories, way);

	if (r < 0)
		return r;
	moments_note(&d->directories, way, of_name);
	return d->directories.count > MOMENTS_MAX ? -EFBIG : 0;
}

/*
 * A name has the same key by whatever symlinks it is reached; the rootfs has one of no name.
 * Directories that others were in are known by their paths: an entry in a deep one does not open
 * all that is above it again.
 */
static int find_keys(struct differences *d, const char *path, struct keys *keys)
{
	uint64_t way = 0;
	int r = 0;

	keys->count = 0;
	for (size_t at = 0; r == 0; at++) {
		const size_t length = strcspn(path + at, "/");
		const bool is_last = path[at + length] == '\0';
		way = key_below(&d->secret, way, path + at, length);
		uint64_t key = is_last ? 0 : moments_last(&d->directories, way);
		if (key == 0) {
			enter(d, keys, path, at == 0 ? 0 : at - 1);
			if (at == 0 && !keys->is_there)
				return -ENOENT;
			key = key_of(d, keys, path + at, length);
			r = is_last ? 0 : remember(d, way, key);
		}
		if (r == 0)
			r = add_key(keys, key);
		if (is_last)
			break;
		at += length;
	}
	return r;
}

static uint64_t last_key(const struct keys *keys)
{
	return keys->list[keys->count - 1];
}

/* The key alone, of most names in one step. */
static int find_key(struct differences *d, const char *path, uint64_t *key)
{
	const char *base = path_base(path);
	struct parent *directory;
	int r = parents_open(d->parents, path, path_parent_length(path), &directory);

	if (r == 0) {
		*key = key_in(&d->secret, &directory->inode, base, strlen(base));
		return 0;
	}
	r = find_keys(d, path, &d->keys);
	if (r == 0)
		*key = last_key(&d->keys);
	return r;
}

/* Notes the names that lead to this one, where they are not those of the entry before. */
static int go(struct differences *d, const char *path)
{
	const size_t length = path_parent_length(path);

	if (d->last_parent != NULL && strlen(d->last_parent) == length &&
		memcmp(d->last_parent, path, length) == 0)
		return 0;
	free(d->last_parent);
	d->last_parent = strndup(path, length);
	if (d->last_parent == NULL)
		return -ENOMEM;
	int r = find_keys(d, path, &d->keys);
	for (size_t i = 0; r >= 0 && i + 1 < d->keys.count; i++)
		r = moments_watch(&d->ways, d->keys.list[i]);
	return r < 0 ? r : 0;
}

/* Do all that watch it know of a new entry of the name? 1 for a directory in place of another
 * thing. */
static int note(struct differences *d, uint64_t key)
{
	const bool is_directory = d->kind == WAS_DIRECTORY;
	const uint64_t last = moments_last(&d->named, key);
	const bool is_renewed = is_directory && last != 0 && (last & WAS_DIRECTORY) == 0;

	/* What came by way of a name that is a symlink for a time alone is nobody knows where. */
	if (moments_has(&d->ways, key) &&
		(d->kind == WAS_SYMLINK || (is_renewed && (last & WAS_SYMLINK) != 0)))
		return -EOPNOTSUPP;
	if (!is_directory || is_renewed)
		moments_note(&d->taken_away, key, d->moment);
	moments_note(&d->named, key, d->moment | d->kind);
	return is_renewed;
}

int differences_begin(struct differences *differences, const struct entry *entry)
{
	struct differences *d = differences;
	uint64_t key = 0;

	d->moment += NEXT_MOMENT;
	d->kind = 0;
	if (entry->type == ENTRY_DIRECTORY)
		d->kind = WAS_DIRECTORY;
	else if (entry->type == ENTRY_SYMLINK)
		d->kind = WAS_SYMLINK;
	int r = go(d, entry->path);
	if (r == 0)
		r = find_key(d, entry->path, &key);
	return r < 0 ? r : note(d, key);
}

/* --- records --- */

static const char **string_of(struct difference *difference, size_t number)
{
	const char **const strings[STRINGS] = { &difference->path, &difference->of,
		&difference->tree, &difference->layer };

	return strings[number];
}

static size_t record_bytes(const struct keys *keys, const struct difference *difference)
{
	struct difference copy = *difference;
	size_t bytes = sizeof(struct record) + keys->count * sizeof(uint64_t);

	for (size_t i = 0; i < STRINGS; i++) {
		const char *string = *string_of(&copy, i);
		bytes += 1 + (string == NULL ? 0 : strlen(string) + 1);
	}
	return (bytes + sizeof(uint64_t) - 1) / sizeof(uint64_t) * sizeof(uint64_t);
}

static int reserve(struct differences *d, size_t bytes)
{
	size_t need = d->held_bytes + bytes;

	if (need + d->watched_bytes > DIFFERENCES_BYTES_MAX)
		return -EFBIG;
	if (need <= d->held_room)
		return 0;
	size_t room = need + need / 2;
	char *larger = realloc(d->held, room);
	if (larger == NULL)
		return -ENOMEM;
	d->held = larger;
	d->held_room = room;
	return 0;
}

static int watch(struct differences *d, const struct record *record, const uint64_t *keys)
{
	int added = 0;

	for (size_t i = 0; i < record->key_count; i++) {
		bool is_own = i + 1 == record->key_count;
		int r = moments_watch(
			is_own && record->hold == HOLD_ENTRY ? &d->named : &d->taken_away, keys[i]);
		if (r < 0)
			return r;
		added += r;
	}
	if (record->other != 0) {
		int r = moments_watch(&d->named, record->other);
		if (r < 0)
			return r;
		added += r;
	}
	d->watched_bytes += (size_t)added * MOMENT_BYTES_MAX;
	return 0;
}

static void put_strings(char *to, const struct difference *difference)
{
	struct difference copy = *difference;

	for (size_t i = 0; i < STRINGS; i++) {
		const char *string = *string_of(&copy, i);
		*to++ = string == NULL ? NONE : SOME;
		if (string == NULL)
			continue;
		memcpy(to, string, strlen(string) + 1);
		to += strlen(string) + 1;
	}
}

static void get_strings(const char *from, struct difference *difference)
{
	for (size_t i = 0; i < STRINGS; i++) {
		bool is_there = *from++ == SOME;
		*string_of(difference, i) = is_there ? from : NULL;
		from += is_there ? strlen(from) + 1 : 0;
	}
}

/* The keys of all names that a difference hangs on; of a link also those above its target. */
static int find_all_keys(
	struct differences *d, const struct difference *difference, struct record *record)
{
	int r = 0;

	d->all_keys.count = 0;
	if (difference->kind == DIFFERS_LINK)
		r = find_keys(d, difference->of, &d->all_keys);
	if (r == 0 && d->all_keys.count > 0)
		record->other = d->all_keys.list[--d->all_keys.count];
	if (r == 0)
		r = find_keys(d, difference->path, &d->keys);
	for (size_t i = 0; r == 0 && i < d->keys.count; i++)
		r = add_key(&d->all_keys, d->keys.list[i]);
	if (d->keys.is_there &&
		(record->hold == HOLD_UNLESS_OPAQUE || record->hold == HOLD_UNLESS_WHITEOUTS))
		enter(d, &d->keys, difference->path, strlen(difference->path));
	record->key_count = (uint32_t)d->all_keys.count;
	record->is_there = d->keys.is_there;
	record->directory = d->keys.directory;
	return r;
}

static int add(struct differences *d, enum hold hold, const struct difference *difference)
{
	struct record record = { .moment = d->moment, .hold = hold, .kind = difference->kind };
	const struct keys *keys = &d->all_keys;
	int r = find_all_keys(d, difference, &record);

	if (r < 0)
		return r;
	record.bytes = record_bytes(keys, difference);
	r = reserve(d, record.bytes);
	if (r < 0)
		return r;
	char *to = d->held + d->held_bytes;
	memcpy(to, &record, sizeof(record));
	to += sizeof(record);
	memcpy(to, keys->list, keys->count * sizeof(uint64_t));
	put_strings(to + keys->count * sizeof(uint64_t), difference);
	d->held_bytes += record.bytes;
	r = watch(d, &record, keys->list);
	if (r == 0 && hold == HOLD_ENTRY)
		moments_note(&d->named, last_key(keys), d->moment | d->kind);
	return r;
}

int differences_hold(struct differences *differences, enum hold hold,
	const struct difference *difference, struct oakum_error *err)
{
	int r = add(differences, hold, difference);

	if (r == -EFBIG)
		return fail_because(err, EFBIG, "compare", difference->path,
			"more differences than the %d MiB that are held back until the end of the "
			"layer: this is the tree of another one",
			DIFFERENCES_BYTES_MAX >> 20);
	return r < 0 ? fail(err, -r, "compare", difference->path) : 0;
}

/* --- at the end --- */

/* Is it what the layer brings? What its directory is must be known. */
static bool is_asked_for(const struct differences *d, const struct record *record, const char *path)
{
	switch ((enum hold)record->hold) {
	case HOLD_UNLESS:
		return brought_has(d->brought, &record->directory, path_base(path));
	case HOLD_UNLESS_OPAQUE:
		return brought_is_marked(d->brought, &record->directory, BROUGHT_OPAQUE);
	case HOLD_UNLESS_WHITEOUTS:
		return brought_is_marked(d->brought, &record->directory, BROUGHT_WHITEOUTS);
	case HOLD_ENTRY:
	case HOLD_MARK:
	case HOLD_NAME:
	case HOLD_CONTENT:
		return false;
	}
	__builtin_unreachable();
}

static bool is_void(const struct differences *d, const struct record *record, const uint64_t *keys,
	const char *path)
{
	const size_t above = record->key_count - 1;
	const size_t taken = record->hold == HOLD_ENTRY ? above : above + 1;
	const uint64_t latest = record->moment | KIND_BITS;

	for (size_t i = 0; i < taken; i++) {
		if (moments_last(&d->taken_away, keys[i]) > record->moment)
			return true;
	}
	if (record->hold == HOLD_ENTRY && moments_last(&d->named, keys[above]) > latest)
		return true;
	if (record->other != 0 && moments_last(&d->named, record->other) > latest)
		return true;
	return record->is_there == 1 && is_asked_for(d, record, path);
}

int differences_read(const struct differences *differences, const struct differences_reader *reader,
	struct oakum_error *err)
{
	struct record record;
	int r = 0;

	for (size_t at = 0; r == 0 && at < differences->held_bytes; at += record.bytes) {
		struct difference difference = { 0 };
		const char *from = differences->held + at;
		memcpy(&record, from, sizeof(record));
		const uint64_t *keys = (const uint64_t *)(const void *)(from + sizeof(record));
		get_strings(from + sizeof(record) + record.key_count * sizeof(*keys), &difference);
		difference.kind = (enum difference_kind)record.kind;
		if (!is_void(differences, &record, keys, difference.path))
			r = reader->take(reader->context, (enum hold)record.hold, &difference, err);
	}
	return r;
}
