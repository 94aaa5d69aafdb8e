/* SPDX-License-Identifier: Apache-2.0 */
#include "command/nearest.h"

#include <string.h>

enum {
	NAME_MAX_BYTES = 40, /* what is longer is no mistyped name */
	BEGINNING_COST = 0,  /* of a name that was left unfinished */
};

static unsigned int least(unsigned int one, unsigned int other)
{
	return one < other ? one : other;
}

/*
 * How many letters have to be put in, taken away, changed or swapped with the next one.
 * rows[i][j] is the distance of the first i letters of one to the first j of the other.
 */
static unsigned int distance(const char *one, size_t one_length, const char *other)
{
	const size_t other_length = strlen(other);
	unsigned int rows[NAME_MAX_BYTES + 1][NAME_MAX_BYTES + 1];

	for (size_t i = 0; i <= one_length; i++)
		rows[i][0] = (unsigned int)i;
	for (size_t j = 0; j <= other_length; j++)
		rows[0][j] = (unsigned int)j;
	for (size_t i = 1; i <= one_length; i++) {
		for (size_t j = 1; j <= other_length; j++) {
			unsigned int cost = rows[i - 1][j - 1] + (one[i - 1] != other[j - 1]);
			cost = least(cost, least(rows[i - 1][j], rows[i][j - 1]) + 1);
			if (i > 1 && j > 1 && one[i - 1] == other[j - 2] &&
				one[i - 2] == other[j - 1])
				cost = least(cost, rows[i - 2][j - 2] + 1);
			rows[i][j] = cost;
		}
	}
	return rows[one_length][other_length];
}

void nearest_init(struct nearest *nearest, const char *typed)
{
	const size_t length = strcspn(typed, "=");

	/* A third of its letters may be wrong, but of a very short one as many as one. */
	*nearest = (struct nearest){
		.typed = typed,
		.length = length,
		.cost = length < 3 ? 2 : (unsigned int)(length / 3) + 1,
	};
}

void nearest_offer(struct nearest *nearest, const char *name)
{
	unsigned int cost = BEGINNING_COST;

	if (nearest->length == 0 || nearest->length > NAME_MAX_BYTES ||
		strlen(name) > NAME_MAX_BYTES)
		return;
	if (strncmp(nearest->typed, name, nearest->length) != 0)
		cost = distance(nearest->typed, nearest->length, name);
	if (cost >= nearest->cost)
		return;
	nearest->cost = cost;
	nearest->name = name;
}
