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

enum { BUFFER_BYTES = RING_SLOT_BYTES }; /* what is read is still in the cache when it is hashed */

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
	return fail_because(err, EPIPE, "read", NULL,
		"the source of the %s failed after byte %" PRIu64 ": %s",
		hasher->options->input_name, hasher->bytes, error_reason(code));
}

static int output_failed(struct hasher *hasher, int code, struct oakum_error *err)
{
	hasher->has_reader = false;
	return fail_because(err, code, "write", NULL,
		"the %s cannot be written on after byte %" PRIu64, hasher->options->input_name,
		hasher->bytes);
}

static ssize_t take(const struct hasher_options *options, unsigned char *to)
{
	if (options->input != NULL)
		return ring_reader_take(options->input, to, BUFFER_BYTES, -1);
	return fd_read(options->input_fd, to, BUFFER_BYTES);
}

static int give(const struct hasher_options *options, const unsigned char *bytes, size_t count)
{
	unsigned char *slot;

	if (options->output == NULL)
		return fd_write_all(options->output_fd, bytes, count);
	int r = ring_writer_slot(options->output, &slot);
	if (r < 0)
		return r;
	memcpy(slot, bytes, count);
	return ring_writer_send(options->output, count);
}

/*
 * 1: there was more; 0: the end. What is counted is what is passed on, from memory that is
 * nobody else's: a reader that was taken over can write to its ring.
 */
static int pass(struct hasher *hasher, struct oakum_error *err)
{
	ssize_t got = take(hasher->options, hasher->buffer);
	int r = 0;

	if (got < 0)
		return input_failed(hasher, (int)-got, err);
	if (got == 0)
		return 0;
	if (hasher->has_reader)
		r = give(hasher->options, hasher->buffer, (size_t)got);
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
