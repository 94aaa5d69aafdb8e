/* SPDX-License-Identifier: Apache-2.0 */
#include "packer/bytes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 1024 };

char *bytes_extend(struct bytes *bytes, size_t more)
{
	if (bytes->data == NULL || more > bytes->room - bytes->length) {
		size_t room = (bytes->length + more) * 2 + FIRST_ROOM;
		char *larger = realloc(bytes->data, room);
		if (larger == NULL)
			return NULL;
		bytes->data = larger;
		bytes->room = room;
	}
	bytes->length += more;
	return bytes->data + bytes->length - more;
}

int bytes_append(struct bytes *bytes, const void *from, size_t length)
{
	char *to = bytes_extend(bytes, length);

	if (to == NULL)
		return -ENOMEM;
	if (length > 0)
		memcpy(to, from, length);
	return 0;
}

int bytes_append_text(struct bytes *bytes, const char *text)
{
	int r = bytes_append(bytes, text, strlen(text) + 1);

	if (r == 0)
		bytes->length--;
	return r;
}

int bytes_set_text(struct bytes *bytes, const char *text)
{
	bytes->length = 0;
	return bytes_append_text(bytes, text);
}

void bytes_free(struct bytes *bytes)
{
	free(bytes->data);
	*bytes = (struct bytes){ 0 };
}
