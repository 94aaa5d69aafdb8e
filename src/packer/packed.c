/* SPDX-License-Identifier: Apache-2.0 */
#include "packer/packed.h"

#include "base/cleanup.h"

#include <search.h>

static int compare(const void *left, const void *right)
{
	return strcmp(left, right);
}

int packed_add(struct packed *packed, const char *name)
{
	cleanup_free char *copy = strdup(name);

	if (copy == NULL)
		return -ENOMEM;
	char **found = tsearch(copy, &packed->tree, compare);
	if (found == NULL)
		return -ENOMEM;
	if (*found != copy)
		return 0;
	copy = NULL; /* it is the tree's */
	return 1;
}

void packed_free(struct packed *packed)
{
	tdestroy(packed->tree, free);
	packed->tree = NULL;
}
