/* SPDX-License-Identifier: Apache-2.0 */
/* How much there may be in little: the limit on what a layer decompresses to. */
#ifndef OAKUM_BASE_RATIO_H
#define OAKUM_BASE_RATIO_H

#include <stdbool.h>
#include <stdint.h>

/* Past the first GiB of the stream: small layers of zeros are honest. */
bool ratio_is_over(uint64_t layer_bytes, uint64_t stream_bytes, uint64_t ratio);

#endif
