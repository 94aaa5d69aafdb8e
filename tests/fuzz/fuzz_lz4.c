/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes the codec of lz4 frames, and nothing else. */
#include "support/codec_run.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	codec_run("\x04\x22\x4d\x18", 4, bytes, length);
	return 0;
}
