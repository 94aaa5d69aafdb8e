/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sink.h"

#include "base/escape.h"
#include "base/fd.h"

#include <string.h>

void sink_init(struct sink *sink, int fd)
{
	sink->fd = fd;
	sink->code = 0;
	sink->length = 0;
	sink->written_bytes = 0;
}

int sink_flush(struct sink *sink)
{
	if (sink->code == 0 && sink->length > 0) {
		sink->code = -fd_write_all(sink->fd, sink->bytes, sink->length);
		sink->written_bytes += sink->code == 0 ? sink->length : 0;
	}
	sink->length = 0;
	return -sink->code;
}

void sink_add(struct sink *sink, const void *bytes, size_t length)
{
	const char *from = bytes;

	while (length > 0) {
		const size_t room = SINK_BYTES - sink->length;
		const size_t taken = length < room ? length : room;
		memcpy(sink->bytes + sink->length, from, taken);
		sink->length += taken;
		from += taken;
		length -= taken;
		if (sink->length == SINK_BYTES)
			(void)sink_flush(sink);
	}
}

void sink_add_text(struct sink *sink, const char *text)
{
	sink_add(sink, text, strlen(text));
}

void sink_add_number(struct sink *sink, uint64_t number)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	sink_add(sink, digits + at, sizeof(digits) - at);
}

void sink_add_escaped(struct sink *sink, const char *text)
{
	while (*text != '\0') {
		const size_t plain = escape_plain_length(text);
		char spelt[ESCAPED_BYTE_BYTES];
		sink_add(sink, text, plain);
		text += plain;
		if (*text == '\0')
			return;
		escape_byte((unsigned char)*text++, spelt);
		sink_add_text(sink, spelt);
	}
}
