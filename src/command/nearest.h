/* SPDX-License-Identifier: Apache-2.0 */
/* Which name somebody meant who mistyped it. Pure. */
#ifndef OAKUM_COMMAND_NEAREST_H
#define OAKUM_COMMAND_NEAREST_H

#include <stddef.h>

struct nearest {
	const char *typed; /* borrowed; up to its "=" */
	size_t length;
	const char *name;  /* the best that was offered; NULL: none is near */
	unsigned int cost; /* how far it is; more than that is no better */
};

void nearest_init(struct nearest *nearest, const char *typed);

/* One that there is; among equals the first one offered stays. Borrowed. */
void nearest_offer(struct nearest *nearest, const char *name);

#endif
