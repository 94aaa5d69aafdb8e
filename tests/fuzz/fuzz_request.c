/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes the reading of requests: JSON of the caller's library, read before any wall stands. */
#include "helper/request_read.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void parse(const char *text, size_t length)
{
	struct request request;
	struct oakum_error err;

	(void)request_parse(text, length, &request, &err);
	request_free(&request);
}

/* A good one, in which the input takes the place of what is at one offset. */
static void parse_patched(const uint8_t *bytes, size_t length)
{
	static const char *const exclude[] = { "usr/share/doc", "\303\244\377", NULL };
	static const struct oakum_id_range map[] = { { 0, 1000, 1 }, { 1, 100000, 65536 }, { 0 } };
	struct request request;
	struct oakum_error err;
	char *text;
	size_t text_length;

	request_init(&request);
	request.operation = bytes[2] % 2 == 0 ? REQUEST_UNPACK : REQUEST_PACK;
	request.exclude = exclude;
	request.uid_map = map;
	request.expect_digest =
		"sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
	request.limits.entries = UINT64_MAX;
	if (request_write(&request, &text, &text_length, &err) < 0)
		abort();
	size_t at = (size_t)(bytes[0] << 8 | bytes[1]) % text_length;
	size_t replaced = bytes[2] % (text_length - at);
	char *patched = malloc(text_length + length);
	if (patched == NULL)
		abort();
	memcpy(patched, text, at);
	memcpy(patched + at, bytes + 3, length - 3);
	memcpy(patched + at + length - 3, text + at + replaced, text_length - at - replaced);
	parse(patched, text_length - replaced + length - 3);
	free(patched);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	parse((const char *)bytes, length);
	if (length >= 3)
		parse_patched(bytes, length);
	return 0;
}
