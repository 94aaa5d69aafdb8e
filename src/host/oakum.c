/* SPDX-License-Identifier: Apache-2.0 */
/* The public functions that are no job: names, versions, error lines. */
#include "base/error.h"
#include "host/helper_file.h"

#include <oakum/oakum.h>

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

const char *oakum_engine_name(uint64_t engine)
{
	static const char *const names[] = {
		[OAKUM_ENGINE_NONE] = "none",
		[OAKUM_ENGINE_ZLIB] = "zlib",
		[OAKUM_ENGINE_ISAL] = "ISA-L",
		[OAKUM_ENGINE_LIBZSTD] = "libzstd",
		[OAKUM_ENGINE_LIBLZMA] = "liblzma",
		[OAKUM_ENGINE_LIBBZ2] = "libbz2",
		[OAKUM_ENGINE_LIBLZ4] = "liblz4",
	};

	return engine < sizeof(names) / sizeof(names[0]) ? names[engine] : "unknown";
}

size_t oakum_error_format(const struct oakum_error *err, char *buffer, size_t buffer_bytes)
{
	return error_format(err, buffer, buffer_bytes);
}
