/* SPDX-License-Identifier: Apache-2.0 */
#include "command/option.h"

#include "base/digest.h"
#include "command/message.h"
#include "command/nearest.h"
#include "command/value.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	MAX_THREADS = 64,	    /* what oakum_unpack() takes */
	MAX_COMPRESSION_LEVEL = 19, /* what oakum_pack_start() takes */
};

/* The number of the choice, into the options that it is for. */
static bool choose(const struct option *option, const char *value, void *options)
{
	for (uint32_t i = 0; option->choices[i] != NULL; i++) {
		if (strcmp(value, option->choices[i]) == 0) {
			memcpy((char *)options + option->offset, &i, sizeof(i));
			return true;
		}
	}
	return message_wrong("--%s=%s: it is %s", option->name, value, option->argument);
}

static bool take_choice(const struct option *option, const char *value, struct arguments *arguments)
{
	return choose(option, value, &arguments->options);
}

/* The same of packing. */
static bool take_pack_choice(
	const struct option *option, const char *value, struct arguments *arguments)
{
	return choose(option, value, &arguments->packing);
}

static bool take_compression_level(
	const struct option *option, const char *value, struct arguments *arguments)
{
	uint64_t number;

	if (!value_number(value, strlen(value), &number) || number == 0 ||
		number > MAX_COMPRESSION_LEVEL)
		return message_wrong(
			"--%s=%s: it is a number from 1 to 9 for gzip, and to %d for zstd",
			option->name, value, MAX_COMPRESSION_LEVEL);
	arguments->packing.compression_level = (uint32_t)number;
	return true;
}

static bool take_progress(
	const struct option *option, const char *value, struct arguments *arguments)
{
	for (unsigned int i = 0; option->choices[i] != NULL; i++) {
		if (strcmp(value, option->choices[i]) == 0) {
			arguments->progress = (enum display_form)i;
			return true;
		}
	}
	if (strcmp(value, "json") == 0)
		return message_wrong("--%s=%s: it would go to standard output, among the results; "
				     "it is %s",
			option->name, value, option->argument);
	return message_wrong("--%s=%s: it is %s", option->name, value, option->argument);
}

static bool take_threads(
	const struct option *option, const char *value, struct arguments *arguments)
{
	uint64_t number;

	if (!value_number(value, strlen(value), &number) || number == 0 || number > MAX_THREADS)
		return message_wrong(
			"--%s=%s: it is a number from 1 to %d", option->name, value, MAX_THREADS);
	arguments->options.threads = (uint32_t)number;
	return true;
}

static bool take_level(const struct option *option, const char *value, struct arguments *arguments)
{
	uint64_t number;

	if (!value_number(value, strlen(value), &number) || number == 0 ||
		number > OAKUM_LEVEL_DETACHED)
		return message_wrong("--%s=%s: it is a number from 1 to %d", option->name, value,
			OAKUM_LEVEL_DETACHED);
	arguments->options.min_level = (uint32_t)number;
	return true;
}

/* Seconds with a fraction, kept as milliseconds. */
static bool take_seconds(
	const struct option *option, const char *value, struct arguments *arguments)
{
	size_t whole_length = strcspn(value, ".");
	const char *fraction = value[whole_length] == '.' ? value + whole_length + 1 : "0";
	uint64_t whole;
	uint64_t thousandths = 0;
	uint64_t ignored;

	if (!value_number(value, whole_length, &whole) || whole > UINT32_MAX ||
		!value_number(fraction, strlen(fraction), &ignored))
		return message_wrong(
			"--%s=%s: it is a number of seconds up to 4294967295, 1.5 for example",
			option->name, value);
	for (size_t i = 0, unit = 100; fraction[i] != '\0' && unit > 0; i++, unit /= 10)
		thousandths += unit * (uint64_t)(fraction[i] - '0');
	arguments->options.timeout_ms = whole * 1000 + thousandths;
	if (arguments->options.timeout_ms == 0)
		return message_wrong(
			"--%s=%s: it is a millisecond at least, 0.001", option->name, value);
	return true;
}

static const struct {
	const char *name;
	size_t offset;
	size_t packing_offset; /* 0: packing has none */
} limits[] = {
	{ "content-bytes", offsetof(struct oakum_unpack_options, max_content_bytes),
		offsetof(struct oakum_pack_options, max_content_bytes) },
	{ "logical-bytes", offsetof(struct oakum_unpack_options, max_logical_bytes),
		offsetof(struct oakum_pack_options, max_logical_bytes) },
	{ "entries", offsetof(struct oakum_unpack_options, max_entries),
		offsetof(struct oakum_pack_options, max_entries) },
	{ "path-depth", offsetof(struct oakum_unpack_options, max_path_depth),
		offsetof(struct oakum_pack_options, max_path_depth) },
	{ "name-bytes", offsetof(struct oakum_unpack_options, max_name_bytes),
		offsetof(struct oakum_pack_options, max_name_bytes) },
	{ "link-bytes", offsetof(struct oakum_unpack_options, max_link_bytes), 0 },
	{ "pax-bytes", offsetof(struct oakum_unpack_options, max_pax_bytes), 0 },
	{ "sparse-entries", offsetof(struct oakum_unpack_options, max_sparse_entries), 0 },
	{ "xattr-bytes", offsetof(struct oakum_unpack_options, max_xattr_bytes),
		offsetof(struct oakum_pack_options, max_xattr_bytes) },
	{ "entry-xattr-bytes", offsetof(struct oakum_unpack_options, max_entry_xattr_bytes),
		offsetof(struct oakum_pack_options, max_entry_xattr_bytes) },
	{ "layer-xattr-bytes", offsetof(struct oakum_unpack_options, max_layer_xattr_bytes),
		offsetof(struct oakum_pack_options, max_layer_xattr_bytes) },
	{ "ratio", offsetof(struct oakum_unpack_options, max_ratio),
		offsetof(struct oakum_pack_options, max_ratio) },
	{ "window-bytes", offsetof(struct oakum_unpack_options, max_window_bytes), 0 },
	{ "trailing-bytes", offsetof(struct oakum_unpack_options, max_trailing_bytes), 0 },
	{ "entry-xattrs", offsetof(struct oakum_unpack_options, max_entry_xattrs),
		offsetof(struct oakum_pack_options, max_entry_xattrs) },
	{ "free-bytes", offsetof(struct oakum_unpack_options, min_free_bytes), 0 },
	{ "free-inodes", offsetof(struct oakum_unpack_options, min_free_inodes), 0 },
	{ "drain-bytes", offsetof(struct oakum_unpack_options, max_drain_bytes), 0 },
	{ "drain-ms", offsetof(struct oakum_unpack_options, drain_ms), 0 },
};

static size_t limit_offset(const struct option *option, size_t i)
{
	return option->uses == FOR_PACK ? limits[i].packing_offset : limits[i].offset;
}

/* What it could have been: the list is short enough for the one line. */
static bool deny_limit(const struct option *option, const char *value)
{
	char names[512] = "";
	size_t used = 0;

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		if (limit_offset(option, i) > 0)
			used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s",
				used == 0 ? "" : ", ", limits[i].name);
	}
	return message_wrong(
		"--%s %s: no limit has this name; there are %s", option->name, value, names);
}

void option_print_limits(const struct option *option, const char *suffix)
{
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		if (limit_offset(option, i) > 0)
			printf("%s%s%s", i == 0 ? "" : " ", limits[i].name, suffix);
	}
}

static bool take_limit(const struct option *option, const char *value, struct arguments *arguments)
{
	char *taken = option->uses == FOR_PACK ? (char *)&arguments->packing
					       : (char *)&arguments->options;
	size_t name_length = strcspn(value, "=");
	uint64_t limit;

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		if (limit_offset(option, i) == 0 || strlen(limits[i].name) != name_length ||
			strncmp(value, limits[i].name, name_length) != 0)
			continue;
		if (value[name_length] != '=' || !value_limit(value + name_length + 1, &limit))
			return message_wrong(
				"--%s %s: its value is a number from 1 to 2^64-1, with K, "
				"M, G or T if you like, or \"none\"",
				option->name, value);
		memcpy(taken + limit_offset(option, i), &limit, sizeof(limit));
		return true;
	}
	return deny_limit(option, value);
}

/* One more range of the map at offset. */
static bool take_range(const struct option *option, const char *value, struct arguments *arguments)
{
	struct id_map *map = (struct id_map *)((char *)arguments + option->offset);
	struct oakum_id_range *larger = realloc(map->ranges, (map->count + 2) * sizeof(*larger));

	if (larger == NULL)
		return message_wrong("out of memory");
	map->ranges = larger;
	if (!value_range(value, &larger[map->count]))
		return message_wrong(
			"--%s=%s: it is the first id in the layer, the first in the "
			"rootfs, and how many follow, all up to 4294967294: 0:100000:65536",
			option->name, value);
	larger[++map->count] = (struct oakum_id_range){ 0 };
	arguments->options.uid_map = arguments->uid_map.ranges;
	arguments->options.gid_map = arguments->gid_map.ranges;
	return true;
}

static bool take_owner(const struct option *option, const char *value, struct arguments *arguments)
{
	struct oakum_unpack_options *options = &arguments->options;

	if (!value_owner(value, &options->squash_uid, &options->squash_gid))
		return message_wrong("--%s=%s: it is two numbers up to 4294967294, 0:0 for example",
			option->name, value);
	options->owners |= OAKUM_OWNERS_SQUASH;
	return true;
}

static bool take_ignore_chown_errors(
	const struct option *option, const char *value, struct arguments *arguments)
{
	(void)option;
	(void)value;
	arguments->options.owners |= OAKUM_OWNERS_FORGIVE;
	return true;
}

static bool take_no_suid(
	const struct option *option, const char *value, struct arguments *arguments)
{
	(void)option;
	(void)value;
	arguments->options.privileges = OAKUM_PRIVILEGES_DROP;
	return true;
}

/* The field at offset, of the options. */
static bool take_digest(const struct option *option, const char *value, struct arguments *arguments)
{
	if (!digest_is_good(value))
		return message_wrong(
			"--%s=%s: it is sha256: and 64 digits of 0-9 and a-f", option->name, value);
	memcpy((char *)&arguments->options + option->offset, &value, sizeof(value));
	return true;
}

static bool take_digests(
	const struct option *option, const char *value, struct arguments *arguments)
{
	(void)option;
	(void)value;
	arguments->options.digests = OAKUM_DIGESTS_LAYER | OAKUM_DIGESTS_DIFF_ID;
	return true;
}

static bool take_exclude(
	const struct option *option, const char *value, struct arguments *arguments)
{
	size_t count = arguments->exclude_count;
	const char **larger = realloc(arguments->excludes, (count + 2) * sizeof(*larger));

	(void)option;
	if (larger == NULL)
		return message_wrong("out of memory");
	larger[count] = value;
	larger[count + 1] = NULL;
	arguments->excludes = larger;
	arguments->exclude_count = count + 1;
	arguments->options.exclude = larger;
	return true;
}

static bool take_atomic(const struct option *option, const char *value, struct arguments *arguments)
{
	(void)option;
	(void)value;
	arguments->is_atomic = true;
	return true;
}

static bool take_verbose(
	const struct option *option, const char *value, struct arguments *arguments)
{
	(void)option;
	(void)value;
	arguments->is_verbose = true;
	arguments->is_quiet = false;
	return true;
}

static bool take_quiet(const struct option *option, const char *value, struct arguments *arguments)
{
	(void)option;
	(void)value;
	arguments->is_verbose = false;
	arguments->is_quiet = true;
	return true;
}

static bool take_listing(
	const struct option *option, const char *value, struct arguments *arguments)
{
	(void)value;
	arguments->options.listing |= (uint32_t)option->offset;
	return true;
}

static bool take_extra(const struct option *option, const char *value, struct arguments *arguments)
{
	(void)option;
	(void)value;
	arguments->options.verifying |= OAKUM_VERIFYING_EXTRA;
	return true;
}

static bool take_json(const struct option *option, const char *value, struct arguments *arguments)
{
	(void)option;
	(void)value;
	arguments->options.verifying |= OAKUM_VERIFYING_JSON;
	return true;
}

static bool take_help(const struct option *option, const char *value, struct arguments *arguments)
{
	if (value != NULL && strcmp(value, option->choices[0]) != 0)
		return message_wrong("--%s=%s: it is --help or --help=all", option->name, value);
	arguments->wants_help = value == NULL ? HELP_SHORT : HELP_ALL;
	return true;
}

static const char *const whiteout_names[] = { "apply", "overlay", "overlay-userxattr", "verbatim",
	NULL };
static const char *const profile_names[] = { "strict", "compat", NULL };
static const char *const trailing_names[] = { "ignore", "refuse", NULL };

static const char *const whiteout_form_names[] = { "device", "xattr", NULL };
static const char *const label_names[] = { "drop", "keep", NULL };
static const char *const device_names[] = { "make", "skip", NULL };
static const char *const user_namespace_names[] = { "auto", "never", "always", NULL };

static const char *const sync_names[] = { "none", "data", "full", "fs", NULL };

static const char *const progress_names[] = { "auto", "none", "bar", "lines", "json", NULL };
/* Events would be among the results on standard output. */
static const char *const shown_progress_names[] = { "auto", "none", "bar", "lines", NULL };
static const char *const drain_names[] = { "bounded", "none", "full", NULL };
static const char *const help_names[] = { "all", NULL };

static const char *const compression_names[] = { "none", "gzip", "zstd", NULL };
static const char *const pack_whiteout_names[] = { "refuse", "overlay", "overlay-userxattr",
	"verbatim", NULL };
static const char *const submount_names[] = { "leave", "take", NULL };

#define AT(field) offsetof(struct oakum_unpack_options, field)
#define AT_PACK(field) offsetof(struct oakum_pack_options, field)

/* A row without a name is the heading of those that follow. */
static const struct option options[] = {
	{ FOR_ALL, NULL, NULL, "What becomes of the entries:", NULL, NULL, 0 },
	{ FOR_POLICY | FOR_VERIFY, "whiteouts", "apply|overlay|overlay-userxattr|verbatim",
		"what .wh. names become (apply: they delete)", take_choice, whiteout_names,
		AT(whiteouts) },
	{ FOR_UNPACK | FOR_VERIFY, "whiteout-form", "device|xattr",
		"how overlayfs is told (device: 0:0)", take_choice, whiteout_form_names,
		AT(whiteout_form) },
	{ FOR_POLICY | FOR_VERIFY, "profile", "strict|compat",
		"what is refused (strict: what readers disagree on)", take_choice, profile_names,
		AT(profile) },
	{ FOR_POLICY | FOR_VERIFY, "trailing", "ignore|refuse",
		"bytes after the end of the archive (ignore)", take_choice, trailing_names,
		AT(trailing) },
	{ FOR_PACK, "compression", "none|gzip|zstd", "how the layer is compressed (none)",
		take_pack_choice, compression_names, AT_PACK(compression) },
	{ FOR_PACK, "compression-level", "N", "1 to 9 of gzip (6), 1 to 19 of zstd (3)",
		take_compression_level, NULL, 0 },
	{ FOR_PACK, "whiteouts", "refuse|overlay|overlay-userxattr|verbatim",
		"what ROOTFS has of overlayfs (refuse: nothing)", take_pack_choice,
		pack_whiteout_names, AT_PACK(whiteouts) },
	{ FOR_PACK, "submounts", "leave|take", "what is mounted below ROOTFS (leave)",
		take_pack_choice, submount_names, AT_PACK(submounts) },
	{ FOR_POLICY | FOR_PACK | FOR_VERIFY, "exclude", "PATH",
		"leave out PATH and all below it; may be repeated", take_exclude, NULL, 0 },
	{ FOR_ALL, NULL, NULL, "Owners and rights:", NULL, NULL, 0 },
	{ FOR_POLICY | FOR_VERIFY, "uid-map", "ID:HOST:N",
		"N ids from ID on become those from HOST on; repeated", take_range, NULL,
		offsetof(struct arguments, uid_map) },
	{ FOR_PACK, "uid-map", "ID:HOST:N", "N ids from HOST on become those from ID on; repeated",
		take_range, NULL, offsetof(struct arguments, uid_map) },
	{ FOR_POLICY | FOR_PACK | FOR_VERIFY, "gid-map", "ID:HOST:N", "the same for groups",
		take_range, NULL, offsetof(struct arguments, gid_map) },
	{ FOR_POLICY | FOR_VERIFY, "owner", "UID:GID",
		"all belongs to UID and GID (as in the layer)", take_owner, NULL, 0 },
	{ FOR_PACK, "owner", "UID:GID", "all belongs to UID and GID (as in ROOTFS)", take_owner,
		NULL, 0 },
	{ FOR_POLICY | FOR_VERIFY, "ignore-chown-errors", NULL,
		"an owner that cannot be set is no error", take_ignore_chown_errors, NULL, 0 },
	{ FOR_POLICY | FOR_PACK | FOR_VERIFY, "labels", "drop|keep",
		"security.* and trusted.* attributes (drop)", take_choice, label_names,
		AT(labels) },
	{ FOR_POLICY | FOR_VERIFY, "devices", "make|skip", "device nodes (make)", take_choice,
		device_names, AT(devices) },
	{ FOR_POLICY | FOR_VERIFY, "no-suid", NULL, "leave out set-id bits and file capabilities",
		take_no_suid, NULL, 0 },
	{ FOR_ALL, NULL, NULL, "Limits and walls:", NULL, NULL, 0 },
	{ FOR_READERS, "limit", "NAME=VALUE", "set a limit, VALUE may be none; may be repeated",
		take_limit, NULL, 0 },
	{ FOR_PACK, "limit", "NAME=VALUE", "set a limit, VALUE may be none; may be repeated",
		take_limit, NULL, 0 },
	{ FOR_UNPACK | FOR_PACK | FOR_VERIFY, "min-level", "N",
		"refuse walls weaker than level N, 1 to 4 (2)", take_level, NULL, 0 },
	{ FOR_UNPACK | FOR_PACK | FOR_VERIFY, "user-namespace", "auto|never|always",
		"rights by a user namespace (auto: where they lack)", take_choice,
		user_namespace_names, AT(user_namespace) },
	{ FOR_UNPACK, "threads", "N", "threads that write files (as fits the machine)",
		take_threads, NULL, 0 },
	{ FOR_UNPACK, "atomic", NULL, "all or nothing: ROOTFS must be missing or empty",
		take_atomic, NULL, 0 },
	{ FOR_UNPACK, "sync", "none|data|full|fs",
		"what a power cut leaves (none: nothing certain)", take_choice, sync_names,
		AT(sync) },
	{ FOR_READERS, "expect-digest", "HASH", "fail unless LAYER, to its end, is sha256:...",
		take_digest, NULL, AT(expect_digest) },
	{ FOR_READERS, "expect-diff-id", "HASH", "the same of the tar stream that is in it",
		take_digest, NULL, AT(expect_diff_id) },
	{ FOR_READERS, "digests", NULL, "say what these two are, on standard error", take_digests,
		NULL, 0 },
	{ FOR_ALL, "timeout", "S", "give up after S seconds (never)", take_seconds, NULL, 0 },
	{ FOR_READERS, "drain", "bounded|none|full",
		"read the rest of a pipe after a failure (bounded)", take_choice, drain_names,
		AT(drain) },
	{ FOR_ALL, NULL, NULL, "What is said:", NULL, NULL, 0 },
	{ FOR_UNPACK | FOR_PACK, "progress", "auto|none|bar|lines|json",
		"how far it is (auto: a bar on a terminal)", take_progress, progress_names, 0 },
	{ FOR_FILTER | FOR_LIST | FOR_VERIFY, "progress", "auto|none|bar|lines",
		"how far it is (auto: a bar on a terminal)", take_progress, shown_progress_names,
		0 },
	{ FOR_ALL, "quiet", NULL, "say nothing but errors", take_quiet, NULL, 0 },
	{ FOR_POLICY | FOR_PACK | FOR_VERIFY, "verbose", NULL,
		"say what was done, on standard error", take_verbose, NULL, 0 },
	{ FOR_LIST, "check", NULL, "show only what would be refused, and why", take_listing, NULL,
		OAKUM_LISTING_CHECK },
	{ FOR_LIST, "json", NULL, "an object of JSON for each line", take_listing, NULL,
		OAKUM_LISTING_JSON },
	{ FOR_VERIFY, "extra", NULL, "tell what is in ROOTFS and not in LAYER too", take_extra,
		NULL, 0 },
	{ FOR_VERIFY, "json", NULL, "an object of JSON for each difference", take_json, NULL, 0 },
	{ FOR_ALL, "help", "[=all]", "show this, or all options", take_help, help_names, 0 },
};

enum { OPTION_COUNT = sizeof(options) / sizeof(options[0]) };

const struct option_table option_table = { options, OPTION_COUNT };

/* What --help shows on one screen; --help=all shows every row. */
static const char *const common[] = { "compression", "whiteouts", "exclude", "uid-map", "owner",
	"devices", "no-suid", "limit", "timeout", "progress", "quiet", "verbose", "check", "extra",
	"json", "help" };

static bool is_common(const char *name)
{
	for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++) {
		if (strcmp(name, common[i]) == 0)
			return true;
	}
	return false;
}

bool option_is_for(const struct option *option, const struct command_use *use)
{
	return option->name != NULL && (option->uses & use->bit) != 0;
}

bool option_exists(const char *name)
{
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		if (options[i].name != NULL && strcmp(options[i].name, name) == 0)
			return true;
	}
	return false;
}

bool option_is_flag(const struct option *option)
{
	return option->argument == NULL || option->argument[0] == '[';
}

static void print_option(const struct option *option)
{
	char left[64];
	int width = snprintf(left, sizeof(left), "--%s%s%s", option->name,
		option_is_flag(option) ? "" : "=",
		option->argument == NULL ? "" : option->argument);

	if (width > 22)
		printf("  %s\n  %-22s  %s\n", left, "", option->help);
	else
		printf("  %-22s  %s\n", left, option->help);
}

/* A heading comes with the first of its options, so that none stands alone. */
void option_print_help(const struct command_use *use, enum help help)
{
	const char *heading = NULL;
	bool is_first = true;

	for (size_t i = 0; i < OPTION_COUNT; i++) {
		if (options[i].name == NULL)
			heading = options[i].help;
		if (!option_is_for(&options[i], use) ||
			(help == HELP_SHORT && !is_common(options[i].name)))
			continue;
		if (help == HELP_ALL && heading != NULL)
			printf("%s%s\n", is_first ? "" : "\n", heading);
		heading = NULL;
		is_first = false;
		print_option(&options[i]);
	}
}

static const struct option *find(const struct command_use *use, const char *name, size_t length)
{
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		if (option_is_for(&options[i], use) && strlen(options[i].name) == length &&
			strncmp(options[i].name, name, length) == 0)
			return &options[i];
	}
	return NULL;
}

static bool deny_option(const struct command_use *use, const char *word)
{
	struct nearest nearest;

	nearest_init(&nearest, word + strspn(word, "-"));
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		if (option_is_for(&options[i], use))
			nearest_offer(&nearest, options[i].name);
	}
	if (nearest.name == NULL)
		return message_wrong("%s: no such option; see oakum %s --help", word, use->name);
	return message_wrong("%s: no such option; did you mean --%s? See oakum %s --help", word,
		nearest.name, use->name);
}

/* What is left of a command line that is being read. */
struct words {
	int argc;
	char **argv;
	int at;
};

/* Takes the word that it is at, and the one after it if the option has its value there. */
static bool parse_option(
	const struct command_use *use, struct words *words, struct arguments *arguments)
{
	const char *word = words->argv[words->at];
	const char *text = word + 2;
	size_t length = strcspn(text, "=");
	const char *value = text[length] == '=' ? text + length + 1 : NULL;
	const struct option *option = find(use, text, length);

	if (strncmp(word, "--", 2) != 0 || option == NULL)
		return deny_option(use, word);
	if (option->argument == NULL && value != NULL)
		return message_wrong("--%s takes no value", option->name);
	if (!option_is_flag(option) && value == NULL) {
		if (words->at + 1 == words->argc)
			return message_wrong("--%s: %s is missing", option->name, option->argument);
		value = words->argv[++words->at];
	}
	return option->take(option, value, arguments);
}

static bool take_operand(
	const struct command_use *use, const char *operand, struct arguments *arguments)
{
	for (size_t i = 0; i < OPERANDS_MAX && use->operands[i] != NULL; i++) {
		if (arguments->operands[i] != NULL)
			continue;
		arguments->operands[i] = operand;
		return true;
	}
	if (use->operands[1] == NULL)
		return message_wrong("%s: %s is all there is to name", operand, use->operands[0]);
	return message_wrong("%s: %s and %s are all there is to name", operand, use->operands[0],
		use->operands[1]);
}

static bool has_operands(const struct command_use *use, const struct arguments *arguments)
{
	for (size_t i = 0; i < use->needed; i++) {
		if (arguments->operands[i] == NULL)
			return message_wrong(
				"%s is missing; see oakum %s --help", use->operands[i], use->name);
	}
	return true;
}

bool option_parse(const struct command_use *use, int argc, char **argv, struct arguments *arguments)
{
	struct words words = { .argc = argc, .argv = argv };
	bool may_be_option = true;
	bool is_right = true;

	*arguments = (struct arguments){ .options.size = sizeof(struct oakum_unpack_options) };
	for (; words.at < argc && is_right; words.at++) {
		const char *word = argv[words.at];
		bool is_option = may_be_option && word[0] == '-' && word[1] != '\0';
		if (is_option && strcmp(word, "--") == 0)
			may_be_option = false;
		else if (is_option)
			is_right = parse_option(use, &words, arguments);
		else
			is_right = take_operand(use, word, arguments);
	}
	return is_right && (arguments->wants_help != HELP_NONE || has_operands(use, arguments));
}

void option_free(struct arguments *arguments)
{
	free(arguments->excludes);
	free(arguments->uid_map.ranges);
	free(arguments->gid_map.ranges);
}
