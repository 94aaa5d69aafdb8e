/* SPDX-License-Identifier: Apache-2.0 */
#include "command/event.h"

#include "base/error.h"
#include "base/escape.h"
#include "command/walls.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { ESCAPED_BYTES = 12 << 10 }; /* a name of 2 KiB with every byte escaped */

static void print_number(const char *key, uint64_t number)
{
	printf(",\"%s\":%" PRIu64, key, number);
}

/* Text that is printable ASCII by now. */
static void print_string(const char *key, const char *escaped)
{
	printf(",\"%s\":\"", key);
	for (const char *at = escaped; *at != '\0'; at++)
		printf(*at == '"' || *at == '\\' ? "\\%c" : "%c", *at);
	putchar('"');
}

/* Escaped as in every message: a name of a layer may be no UTF-8, which JSON has to be. */
static void print_untrusted(const char *key, const char *text)
{
	char escaped[ESCAPED_BYTES] = "";
	size_t length = 0;

	escape_append(escaped, sizeof(escaped), &length, text);
	print_string(key, escaped);
}

static void print_progress(const char *event, const struct oakum_progress *progress)
{
	printf("{\"event\":\"%s\"", event);
	print_number("layer_bytes", progress->layer_bytes);
	print_number("layer_total_bytes", progress->layer_total_bytes);
	print_number("stream_bytes", progress->stream_bytes);
	print_number("entries", progress->entries);
	print_number("content_bytes", progress->content_bytes);
	print_number("elapsed_ms", progress->elapsed_ms);
}

/* At once: who reads may wait for it. */
static void end_line(void)
{
	printf("}\n");
	fflush(stdout);
}

void event_progress(const struct oakum_progress *progress)
{
	print_progress("progress", progress);
	end_line();
}

static void print_walls(uint32_t walls)
{
	printf(",\"walls\":[");
	walls_print(stdout, walls, "\"", ",");
	putchar(']');
}

static void print_digests(const struct oakum_stats *stats)
{
	if (stats->digest[0] != '\0')
		print_string("digest", stats->digest);
	if (stats->diff_id[0] != '\0')
		print_string("diff_id", stats->diff_id);
}

void event_done(const struct oakum_progress *progress, const struct oakum_stats *stats)
{
	struct oakum_progress exact = *progress;

	if (stats == NULL) {
		print_progress("done", progress);
		end_line();
		return;
	}
	exact.layer_bytes = stats->layer_bytes;
	exact.stream_bytes = stats->stream_bytes;
	exact.entries = stats->entries;
	exact.content_bytes = stats->content_bytes;
	print_progress("done", &exact);
	print_number("skipped", stats->skipped);
	print_string("compression", oakum_compression_name(stats->compression));
	print_string("engine", oakum_engine_name(stats->engine));
	print_number("level", stats->level);
	print_walls(stats->walls);
	print_number("threads", stats->threads);
	print_number("denied_calls", stats->denied_calls);
	print_number("denied_call", stats->denied_call);
	print_number("dropped_xattrs", stats->dropped_xattrs);
	print_number("dropped_entries", stats->dropped_entries);
	print_number("unset_owners", stats->unset_owners);
	print_number("trailing_bytes", stats->trailing_bytes);
	print_number("volume_labels", stats->volume_labels);
	print_digests(stats);
	end_line();
}

void event_failed(const struct oakum_progress *progress, const struct oakum_error *err)
{
	const char *name = strerrorname_np(err->code);
	char line[ESCAPED_BYTES];

	oakum_error_format(err, line, sizeof(line));
	print_progress("failed", progress);
	print_string("errno", name == NULL ? "unknown" : name);
	print_string("stage", stage_name(err->stage));
	print_untrusted("operation", err->op);
	print_untrusted("entry", err->entry);
	print_untrusted("detail", err->detail);
	print_string("message", line);
	print_number("drained_bytes", err->drained_bytes);
	print_number("source_left", err->source_left);
	end_line();
}
