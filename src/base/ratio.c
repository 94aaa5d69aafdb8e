/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ratio.h"

static const uint64_t free_bytes = UINT64_C(1) << 30;

bool ratio_is_over(uint64_t layer_bytes, uint64_t stream_bytes, uint64_t ratio)
{
	uint64_t most;

	if (stream_bytes <= free_bytes || __builtin_mul_overflow(layer_bytes, ratio, &most))
		return false;
	return stream_bytes > most;
}
