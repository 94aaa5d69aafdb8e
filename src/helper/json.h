/* SPDX-License-Identifier: Apache-2.0 */
/* What the two readers of JSON share. */
#ifndef OAKUM_HELPER_JSON_H
#define OAKUM_HELPER_JSON_H

#include <jansson.h>
#include <sys/random.h>

static inline void free_json(json_t **json)
{
	json_decref(*json);
}
#define cleanup_json __attribute__((cleanup(free_json)))

/* Of its hash table: left alone, jansson would open /dev/urandom for it. */
static inline void seed_json(void)
{
	size_t seed;

	if (getrandom(&seed, sizeof(seed), 0) == (ssize_t)sizeof(seed))
		json_object_seed(seed);
}

#endif
