/* SPDX-License-Identifier: Apache-2.0 */
/* The options of the storage-* helpers. */
#include "helper/storage_options_read.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct storage_options options;
	struct oakum_error err;
	char *text = malloc(size + 1);

	if (text == NULL)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	(void)storage_options_parse(text, size, STORAGE_TAIL_IGNORED, &options, &err);
	storage_options_free(&options);
	free(text);
	return 0;
}
