/* SPDX-License-Identifier: Apache-2.0 */
#include "hasher/hasher.h"

/* What is to be used in its place, EVP, opens openssl.cnf and takes a millisecond to begin. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "base/error.h"
#include "base/fd.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/sha.h>
#include <stdint.h>
#include <string.h>

enum { BUFFER_BYTES = 256 << 10 }; /* what is read is still in the cache when it is hashed */

struct hasher {
	const struct hasher_options *options;
	SHA256_CTX sha256;
	uint64_t bytes;
	bool has_reader; /* of what is passed on */
	unsigned char buffer[BUFFER_BYTES];
};

/* One code for all that can become of a source, whichever way it came: EPIPE, as oakum.h says. */
static int input_failed(const struct hasher *hasher, int code, struct oakum_error *err)
{
	const char *why = strerrordesc_np(code);

	return fail_because(err, EPIPE, "read", NULL,
		"the source of the %s failed after byte %" PRIu64 ": %s",
		hasher->options->input_name, hasher->bytes, why == NULL ? "unknown error" : why);
}

static int output_failed(struct hasher *hasher, int code, struct oakum_error *err)
{
	hasher->has_reader = false;
	return fail_because(err, code, "write", NULL,
		"the %s cannot be written on after byte %" PRIu64, hasher->options->input_name,
		hasher->bytes);
}

/* 1: there was more; 0: the end. What is counted is what is passed on: the same copy. */
static int pass(struct hasher *hasher, struct oakum_error *err)
{
	const struct hasher_options *options = hasher->options;
	ssize_t got = fd_read(options->input_fd, hasher->buffer, BUFFER_BYTES);
	int r = 0;

	if (got < 0)
		return input_failed(hasher, (int)-got, err);
	if (got == 0)
		return 0;
	if (hasher->has_reader)
		r = fd_write_all(options->output_fd, hasher->buffer, (size_t)got);
	if (r < 0)
		r = output_failed(hasher, -r, err);
	SHA256_Update(&hasher->sha256, hasher->buffer, (size_t)got);
	hasher->bytes += (size_t)got;
	return r < 0 ? r : 1;
}

static int pass_all(struct hasher *hasher, struct oakum_error *err)
{
	int r;

	do {
		r = pass(hasher, err);
	} while (r > 0);
	return r;
}

int hasher_run(const struct hasher_options *options, char digest[DIGEST_TEXT_BYTES],
	struct oakum_error *err)
{
	static struct hasher
		hasher; /* large, with its buffer; and behind the walls there is no more */
	unsigned char sha256[DIGEST_SHA256_BYTES];
	struct oakum_error of_rest;

	memset(digest, 0, DIGEST_TEXT_BYTES);
	hasher.options = options;
	hasher.bytes = 0;
	hasher.has_reader = true;
	SHA256_Init(&hasher.sha256);
	int r = pass_all(&hasher, err);
	bool has_ended = r == 0;
	if (!hasher.has_reader && options->reads_on)
		has_ended = pass_all(&hasher, &of_rest) == 0;
	SHA256_Final(sha256, &hasher.sha256);
	if (has_ended)
		digest_format(sha256, digest);
	return r;
}
