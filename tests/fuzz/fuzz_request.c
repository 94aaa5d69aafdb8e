/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes the reading of requests: JSON of the caller's library, read before any wall stands. */
#include "helper/request_read.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct request request;
	struct oakum_error err;

	(void)request_parse((const char *)bytes, length, &request, &err);
	request_free(&request);
	return 0;
}
