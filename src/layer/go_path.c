/* SPDX-License-Identifier: Apache-2.0 */
#include "layer/go_path.h"

#include <stddef.h>
#include <string.h>

/* Where the last component before end starts. */
static size_t last_component(const char *path, size_t start, size_t end)
{
	while (end > start && path[end - 1] != '/')
		end--;
	return end;
}

static bool is_dot_dot(const char *component, size_t length)
{
	return length == 2 && component[0] == '.' && component[1] == '.';
}

/* Takes the last component away, with the slash before it; false where there is none to take. */
static bool go_up(const char *path, size_t start, size_t *end)
{
	size_t last = last_component(path, start, *end);

	if (*end == start || is_dot_dot(path + last, *end - last))
		return false;
	*end = last > start ? last - 1 : start;
	return true;
}

void go_path_clean(const char *name, char *buffer)
{
	const bool is_absolute = *name == '/';
	const size_t start = is_absolute;
	size_t end = start;

	while (*name != '\0') {
		size_t length = strcspn(name, "/");
		bool is_nothing = length == 0 || (length == 1 && *name == '.');
		if (is_dot_dot(name, length))
			is_nothing = go_up(buffer, start, &end) || is_absolute;
		if (!is_nothing) {
			if (end > start)
				buffer[end++] = '/';
			memmove(buffer + end, name, length);
			end += length;
		}
		name += length;
		name += *name == '/';
	}
	if (is_absolute)
		buffer[0] = '/';
	if (end == 0)
		buffer[end++] = '.';
	buffer[end] = '\0';
}

void go_path_join(const char *directory, const char *name, char *buffer)
{
	size_t length = strlen(directory);

	memcpy(buffer, directory, length);
	buffer[length] = '/';
	memcpy(buffer + length + 1, name, strlen(name) + 1);
	go_path_clean(buffer, buffer);
	memmove(buffer, buffer + 1, strlen(buffer));
}
