/* SPDX-License-Identifier: Apache-2.0 */
/* A stream of any entries: a verdict always has an entry that can be carried out. */
#include "layer/path.h"
#include "layer/policy.h"
#include "layer/whiteout.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	TEXT_BYTES = 300,
	XATTRS = 3,
	VALUE_BYTES = 60,
};

/* What is left of the input; at its end there are only zeros. */
struct input {
	const uint8_t *data;
	size_t size;
};

static void require(bool is_true)
{
	if (!is_true)
		abort();
}

static uint8_t take_byte(struct input *input)
{
	if (input->size == 0)
		return 0;
	input->size--;
	return *input->data++;
}

static uint32_t take_number(struct input *input)
{
	uint32_t number = 0;

	for (size_t i = 0; i < sizeof(number); i++)
		number = number << 8 | take_byte(input);
	return number;
}

static void take_text(struct input *input, char *text)
{
	size_t length = 0;
	uint8_t byte;

	while (length < TEXT_BYTES - 1 && (byte = take_byte(input)) != 0)
		text[length++] = (char)byte;
	text[length] = '\0';
}

static bool take_path(struct input *input, const struct limits *limits, char *text)
{
	struct oakum_error err;

	take_text(input, text);
	return path_clean(text, limits, text, &err) == 0;
}

static void check_placed(const struct policy_options *options, const struct entry *entry)
{
	bool is_verbatim = options->whiteouts == OAKUM_WHITEOUTS_VERBATIM;

	require((entry->mode & ~07777U) == 0);
	require(entry->uid != UINT32_MAX && entry->gid != UINT32_MAX);
	require(*entry->path != '\0' || entry->type == ENTRY_DIRECTORY);
	require(is_verbatim || entry->type == ENTRY_CHARACTER_DEVICE ||
		whiteout_kind(entry->path) == WHITEOUT_NONE);
	for (size_t i = 0; i < entry->xattr_count; i++) {
		const char *name = entry->xattrs[i].name;
		require(strncmp(name, "trusted.overlay.", 16) != 0);
		require(strncmp(name, "user.overlay.", 13) != 0);
		require(options->labels == OAKUM_LABELS_KEEP ||
			strcmp(name, "security.selinux") != 0);
		require(options->privileges == OAKUM_PRIVILEGES_KEEP ||
			strcmp(name, "security.capability") != 0);
	}
	require(options->privileges == OAKUM_PRIVILEGES_KEEP || (entry->mode & 06000) == 0);
}

/* Those with a meaning are not hit by chance. */
static void take_xattr(struct input *input, struct xattr *xattr, char *name, uint8_t *value)
{
	static const char *const names[] = { "system.posix_acl_access", "system.posix_acl_default",
		"security.capability", "security.selinux", "trusted.overlay.opaque",
		"user.overlay.redirect", "user.a" };
	size_t which = take_byte(input);

	if (which < sizeof(names) / sizeof(names[0]))
		strcpy(name, names[which]);
	else
		take_text(input, name);
	*xattr = (struct xattr){ name, value, take_byte(input) % (VALUE_BYTES + 1) };
	for (size_t i = 0; i < xattr->value_bytes; i++)
		value[i] = take_byte(input);
}

static void judge_one(
	struct policy *policy, const struct policy_options *options, struct input *input)
{
	char path[TEXT_BYTES];
	char link[TEXT_BYTES];
	char xattr_names[XATTRS][TEXT_BYTES];
	uint8_t values[XATTRS][VALUE_BYTES];
	struct xattr xattrs[XATTRS];
	struct entry entry = { .name = path, .path = path, .link = link };
	enum verdict verdict = VERDICT_PLACE;
	struct oakum_error err;

	entry.type = take_byte(input) % (ENTRY_FIFO + 1);
	entry.mode = take_number(input);
	entry.uid = take_number(input);
	entry.gid = take_number(input);
	entry.device_major = take_number(input);
	entry.device_minor = take_number(input);
	entry.logical_bytes = take_byte(input);
	entry.xattr_count = take_byte(input) % (XATTRS + 1);
	entry.xattrs = xattrs;
	for (size_t i = 0; i < entry.xattr_count; i++)
		take_xattr(input, &xattrs[i], xattr_names[i], values[i]);
	take_text(input, link);
	if (!take_path(input, options->limits, path))
		return;
	int r = policy_judge(policy, &entry, &verdict, &err);
	require(r == 0 || err.code == -r);
	if (r < 0 || verdict == VERDICT_SKIP)
		return;
	require(strlen(path_base(entry.path)) <= PATH_COMPONENT_MAX);
	if (verdict == VERDICT_PLACE)
		check_placed(options, &entry);
	if (tally_content(policy_tally(policy), entry.logical_bytes, entry.path, &err) < 0)
		require(err.code == EFBIG);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct limits limits = LIMITS_DEFAULT;
	struct input input = { data, size };
	char excluded[TEXT_BYTES];
	const char *const exclude[] = { excluded, NULL };
	const struct oakum_id_range map[] = { { 0, 100000, 65536 }, { 70000, 5, 7 }, { 0 } };
	struct policy_options options = { .limits = &limits };
	struct policy *policy;
	struct oakum_error err;

	options.profile = take_byte(&input) & 1;
	options.whiteouts = take_byte(&input) & 3;
	options.owners = take_byte(&input) & 3;
	options.squash_uid = take_byte(&input);
	options.labels = take_byte(&input) & 1;
	options.devices = take_byte(&input) & 1;
	options.privileges = take_byte(&input) & 1;
	if ((take_byte(&input) & 1) != 0)
		options.uid_map = map;
	if ((take_byte(&input) & 1) != 0)
		options.gid_map = map;
	if (take_path(&input, &limits, excluded) && *excluded != '\0')
		options.exclude = exclude;
	require(policy_new(&options, &policy, &err) == 0);
	for (size_t i = 0; i < 16 && input.size > 0; i++)
		judge_one(policy, &options, &input);
	policy_free(policy);
	return 0;
}
