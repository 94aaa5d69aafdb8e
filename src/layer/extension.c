/* SPDX-License-Identifier: Apache-2.0 */
#include "layer/extension.h"

#include "base/error.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The kinds: a bit each. */
enum {
	PAX = 1 << 0,	     /* x */
	GLOBAL_PAX = 1 << 1, /* g */
	LONG_NAME = 1 << 2,  /* L */
	LONG_LINK = 1 << 3,  /* K */
	LABEL = 1 << 4,	     /* V: of a GNU volume; says nothing of any entry */
};

static uint32_t kind_of(char type_flag)
{
	switch (type_flag) {
	case 'x':
		return PAX;
	case 'g':
		return GLOBAL_PAX;
	case 'L':
		return LONG_NAME;
	case 'K':
		return LONG_LINK;
	case 'V':
		return LABEL;
	default:
		return 0;
	}
}

bool extension_is(char type_flag)
{
	return kind_of(type_flag) != 0;
}

static const char mixed[] = "a pax header and a GNU long name for one entry: readers disagree";

/* One of each kind at most: libarchive goes one call deeper for each, and gives
 * up at 32. */
static const char *why_not(const struct extensions *extensions, uint32_t kind, uint64_t size)
{
	uint32_t seen = extensions->seen;

	if ((seen & kind) != 0)
		return "a second extension of the same kind for one entry";
	if ((kind & (GLOBAL_PAX | LABEL)) != 0 && extensions->is_open)
		return "a global header between an entry and its extensions";
	if (kind == LABEL && size > 0)
		return "a volume label with a body: readers disagree where it ends";
	if (!extensions->is_strict)
		return NULL;
	seen |= kind;
	if ((seen & PAX) == 0 || (seen & (LONG_NAME | LONG_LINK)) == 0)
		return NULL;
	return "a pax header and a GNU long name for one entry: readers disagree; "
	       "--profile=compat accepts it unless the pax header has a path or a size";
}

int extension_begin(
	struct extensions *extensions, char type_flag, uint64_t size, struct oakum_error *err)
{
	const uint64_t limit = extensions->limits->pax_bytes;
	uint32_t kind = kind_of(type_flag);
	const char *why = why_not(extensions, kind, size);

	if (why != NULL)
		return fail_because(err, EBADMSG, "read header", NULL, "%s", why);
	if (size > SIZE_MAX / 4 || size > limit || extensions->bytes > limit - size)
		return limit_exceeded(err, "pax-bytes", limit, NULL);
	extensions->is_open |= (kind & (PAX | LONG_NAME | LONG_LINK)) != 0;
	extensions->seen |= kind;
	extensions->bytes += size;
	extensions->type_flag = type_flag;
	extensions->length = (size_t)size;
	extensions->have = 0;
	return 0;
}

bool extension_is_complete(const struct extensions *extensions)
{
	return extensions->have >= extensions->length;
}

/* Grows with what comes, never with what a header promises. */
int extension_take(
	struct extensions *extensions, const struct block *block, struct oakum_error *err)
{
	if (extensions->room - extensions->have < BLOCK_BYTES) {
		size_t room = extensions->room * 2 + 2 * (size_t)BLOCK_BYTES;
		char *larger = realloc(extensions->body, room);
		if (larger == NULL)
			return fail(err, ENOMEM, "read header", NULL);
		extensions->body = larger;
		extensions->room = room;
	}
	memcpy(extensions->body + extensions->have, block, BLOCK_BYTES);
	extensions->have += BLOCK_BYTES;
	return 0;
}

static void keep_name(struct extensions *extensions, const char *name, size_t length)
{
	if (length >= EXTENSION_NAME_BYTES) {
		name += length - (EXTENSION_NAME_BYTES - 1);
		length = EXTENSION_NAME_BYTES - 1;
	}
	memcpy(extensions->name, name, length);
	extensions->name[length] = '\0';
}

static int read_pax(struct extensions *extensions, struct oakum_error *err)
{
	struct pax *pax = &extensions->pax;
	int r = pax_read(pax, extensions->body, extensions->length, extensions->is_strict, err);

	if (r < 0)
		return r;
	const struct text *name = pax->sparse_name.length > 0 ? &pax->sparse_name : &pax->path;
	if (name->length > 0)
		keep_name(extensions, name->bytes, name->length);
	/* libarchive compares each entry of a list with all before it. */
	if (pax->acl_entries > extensions->limits->entry_xattrs)
		return limit_exceeded(err, "entry-xattrs", extensions->limits->entry_xattrs, NULL);
	return 0;
}

static int read_long_name(struct extensions *extensions, struct oakum_error *err)
{
	size_t length = extensions->length;

	while (length > 0 && extensions->body[length - 1] == '\0')
		length--;
	if (length == 0)
		return fail_because(err, EBADMSG, "read header", NULL, "an empty GNU long name");
	if (memchr(extensions->body, '\0', length) != NULL)
		return fail_because(err, EBADMSG, "read header", NULL, "a NUL in a GNU long name");
	if (extensions->type_flag == 'L')
		keep_name(extensions, extensions->body, length);
	return 0;
}

int extension_finish(struct extensions *extensions, struct oakum_error *err)
{
	switch (kind_of(extensions->type_flag)) {
	case PAX:
		return read_pax(extensions, err);
	case GLOBAL_PAX:
		return pax_check_global(
			extensions->body, extensions->length, extensions->ignores_global, err);
	case LABEL:
		return 0;
	default:
		return read_long_name(extensions, err);
	}
}

const char *extension_conflict(const struct extensions *extensions, char type_flag)
{
	const struct pax *pax = &extensions->pax;
	bool is_sparse = pax_sparse_kind(pax) != PAX_SPARSE_NONE;

	if ((extensions->seen & (LONG_NAME | LONG_LINK)) != 0 &&
		(pax->path.length > 0 || pax->link_path.length > 0 || pax->has_size || is_sparse))
		return mixed;
	if (type_flag == 'S' && (pax->has_size || is_sparse))
		return "a sparse file of two kinds at once";
	return NULL;
}

void extension_reset(struct extensions *extensions)
{
	extensions->is_open = false;
	extensions->seen = 0;
	extensions->bytes = 0;
	extensions->pax = (struct pax){ 0 };
	extensions->name[0] = '\0';
}
