/* SPDX-License-Identifier: Apache-2.0 */
/*
 * iconv(3) as an identity copy. libarchive asks for a conversion of every pax
 * name; glibc's would open gconv-modules.cache inside the rootfs, a file that
 * names code to load. Names are bytes here, so there is nothing to convert.
 */
#include <errno.h>
#include <iconv.h>
#include <string.h>

static char one_for_all;

iconv_t iconv_open(const char *tocode, const char *fromcode)
{
	(void)tocode;
	(void)fromcode;
	return &one_for_all;
}

size_t iconv(iconv_t descriptor, char **from, size_t *from_left, char **to, size_t *to_left)
{
	(void)descriptor;
	if (from == NULL || *from == NULL)
		return 0;
	size_t length = *from_left < *to_left ? *from_left : *to_left;
	memcpy(*to, *from, length);
	*from += length;
	*to += length;
	*from_left -= length;
	*to_left -= length;
	if (*from_left == 0)
		return 0;
	errno = E2BIG;
	return (size_t)-1;
}

int iconv_close(iconv_t descriptor)
{
	(void)descriptor;
	return 0;
}
