/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes the codec of bzip2, and nothing else. */
#include "support/codec_run.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	codec_run("BZh", 3, bytes, length);
	return 0;
}
