/* SPDX-License-Identifier: Apache-2.0 */
/* The public functions that are no job: names, versions, error lines. */
#include "base/error.h"
#include "base/escape.h"
#include "host/helper_file.h"

#include <oakum/oakum.h>
#include <string.h>

const char *oakum_version(void)
{
	return OAKUM_VERSION_STRING;
}

/* Of the build that made the helper too: it is embedded, or comes in the same package. */
const char *oakum_features(void)
{
#ifdef OAKUM_EMBED
	return "helper: embedded, " OAKUM_FEATURE_LINKAGE "\n"
#else
	return "helper: " OAKUM_LIBEXEC_DIR "/oakum-helper, " OAKUM_FEATURE_LINKAGE "\n"
#endif
	       "gzip: " OAKUM_FEATURE_GZIP "\n"
	       "other codecs: " OAKUM_FEATURE_CODECS "\n"
	       "tar: " OAKUM_FEATURE_TAR "\n";
}

void oakum_trim(void)
{
	helper_file_trim();
}

const char *oakum_compression_name(uint32_t compression)
{
	static const char *const names[] = {
		[OAKUM_COMPRESSION_NONE] = "none",
		[OAKUM_COMPRESSION_GZIP] = "gzip",
		[OAKUM_COMPRESSION_ZSTD] = "zstd",
		[OAKUM_COMPRESSION_XZ] = "xz",
		[OAKUM_COMPRESSION_BZIP2] = "bzip2",
		[OAKUM_COMPRESSION_LZ4] = "lz4",
	};

	return compression < sizeof(names) / sizeof(names[0]) ? names[compression] : "unknown";
}

size_t oakum_error_format(const struct oakum_error *err, char *buffer, size_t buffer_bytes)
{
	const char *reason = strerrordesc_np(err->code);
	size_t length = 0;

	if (buffer_bytes > 0)
		buffer[0] = '\0';
	escape_append(buffer, buffer_bytes, &length, stage_name(err->stage));
	escape_append(buffer, buffer_bytes, &length, ": ");
	if (err->entry[0] != '\0') {
		escape_append(buffer, buffer_bytes, &length, err->entry);
		escape_append(buffer, buffer_bytes, &length, ": ");
	}
	escape_append(buffer, buffer_bytes, &length, err->op);
	escape_append(buffer, buffer_bytes, &length, ": ");
	escape_append(buffer, buffer_bytes, &length, reason == NULL ? "unknown error" : reason);
	if (err->detail[0] != '\0') {
		escape_append(buffer, buffer_bytes, &length, " (");
		escape_append(buffer, buffer_bytes, &length, err->detail);
		escape_append(buffer, buffer_bytes, &length, ")");
	}
	return length;
}
