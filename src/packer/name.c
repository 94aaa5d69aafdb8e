/* SPDX-License-Identifier: Apache-2.0 */
#include "packer/name.h"

#include <stdbool.h>
#include <string.h>

const char *name_base(const char *name)
{
	const char *slash = strrchr(name, '/');

	return slash == NULL || slash[1] == '\0' ? name : slash + 1;
}

/* How many bytes both have in common, up to the end of a component. */
static size_t common_length(const char *base, const char *target)
{
	size_t at = 0;
	size_t common = 0;

	while (base[at] != '\0' && base[at] == target[at]) {
		if (base[at] == '/')
			common = at;
		at++;
	}
	bool both_end =
		(base[at] == '\0' || base[at] == '/') && (target[at] == '\0' || target[at] == '/');
	return both_end ? at : common;
}

/* Up as often as base has components that are left, then down. */
static const char *up_and_down(const char *up, const char *down, struct bytes *buffer)
{
	if (bytes_set_text(buffer, "..") < 0)
		return NULL;
	for (const char *at = up; *at != '\0'; at++) {
		if (*at == '/' && bytes_append_text(buffer, "/..") < 0)
			return NULL;
	}
	if (*down != '\0' &&
		(bytes_append_text(buffer, "/") < 0 || bytes_append_text(buffer, down) < 0))
		return NULL;
	return buffer->data;
}

const char *name_relative(const char *base, const char *target, struct bytes *buffer)
{
	if (strcmp(base, target) == 0)
		return ".";
	size_t length = common_length(base, target);
	const char *up = base + length + strspn(base + length, "/");
	const char *down = target + length + strspn(target + length, "/");
	return *up == '\0' ? down : up_and_down(up, down, buffer);
}
