/* SPDX-License-Identifier: Apache-2.0 */
/* The arena that codecs live on: what is taken never overlaps, what is given back comes again. */
#include "decompressor/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

enum {
	ARENA_BYTES = 1 << 20,
	PIECES = 64,
	ROUNDS = 20000,
};

static int open_arena(void **state)
{
	*state = arena_new(ARENA_BYTES);
	return *state == NULL ? -1 : 0;
}

static int close_arena(void **state)
{
	arena_free(*state);
	return 0;
}

static void all_of_it_can_be_taken_at_once_and_no_more(void **state)
{
	void *all = arena_take(*state, ARENA_BYTES);

	assert_non_null(all);
	memset(all, 0xff, ARENA_BYTES);
	assert_null(arena_take(*state, 2 * 4096));
	arena_give(*state, all);
	assert_null(arena_take(*state, ARENA_BYTES + 2 * 4096));
	assert_ptr_equal(arena_take(*state, ARENA_BYTES), all);
}

static void a_size_that_overflows_is_refused(void **state)
{
	for (size_t less = 0; less < 256; less++)
		assert_null(arena_take(*state, SIZE_MAX - less));
	assert_null(arena_take_zeroed(*state, SIZE_MAX / 2));
	for (size_t less = 0; less < 8192; less += 64)
		assert_null(arena_new(SIZE_MAX - less));
}

static void nothing_is_taken_as_something_of_its_own(void **state)
{
	void *first = arena_take(*state, 0);
	void *second = arena_take(*state, 0);

	assert_non_null(first);
	assert_non_null(second);
	assert_ptr_not_equal(first, second);
	arena_give(*state, NULL);
}

static void every_piece_is_aligned_for_any_use(void **state)
{
	for (size_t bytes = 0; bytes < 300; bytes++)
		assert_int_equal((uintptr_t)arena_take(*state, bytes) % 64, 0);
}

static void zeros_are_zeros_in_memory_that_was_used_before(void **state)
{
	unsigned char *used = arena_take(*state, 1000);

	memset(used, 0xff, 1000);
	arena_give(*state, used);
	unsigned char *zeroed = arena_take_zeroed(*state, 1000);
	assert_ptr_equal(zeroed, used);
	for (size_t i = 0; i < 1000; i++)
		assert_int_equal(zeroed[i], 0);
}

static void pieces_given_back_in_any_order_become_one(void **state)
{
	static const int orders[][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 }, { 1, 2, 0 },
		{ 2, 0, 1 }, { 2, 1, 0 } };

	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		void *pieces[3];
		for (size_t j = 0; j < 3; j++)
			pieces[j] = arena_take(*state, ARENA_BYTES / 4);
		assert_non_null(pieces[2]);
		assert_null(arena_take(*state, ARENA_BYTES / 2));
		for (size_t j = 0; j < 3; j++)
			arena_give(*state, pieces[orders[i][j]]);
		void *all = arena_take(*state, ARENA_BYTES);
		assert_non_null(all);
		arena_give(*state, all);
	}
}

struct piece {
	unsigned char *bytes;
	size_t length;
	unsigned char mark;
};

static void take_piece(struct arena *arena, struct piece *piece, unsigned char mark)
{
	piece->length = (size_t)random() % 30000;
	piece->bytes = arena_take(arena, piece->length);
	piece->mark = mark;
	if (piece->bytes != NULL)
		memset(piece->bytes, mark, piece->length);
}

static void give_piece(struct arena *arena, struct piece *piece)
{
	for (size_t i = 0; i < piece->length; i++) {
		if (piece->bytes[i] != piece->mark)
			fail_msg("a piece was written to by its neighbour");
	}
	arena_give(arena, piece->bytes);
	piece->bytes = NULL;
}

static void nothing_overlaps_whatever_is_taken_and_given_back(void **state)
{
	struct piece pieces[PIECES] = { { .bytes = NULL } };
	unsigned int refused = 0;

	srandom(1);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		struct piece *piece = &pieces[random() % PIECES];
		if (piece->bytes != NULL)
			give_piece(*state, piece);
		else
			take_piece(*state, piece, (unsigned char)i);
		refused += piece->bytes == NULL && piece->length > ARENA_BYTES;
	}
	assert_int_equal(refused, 0);
	for (size_t i = 0; i < PIECES; i++) {
		if (pieces[i].bytes != NULL)
			give_piece(*state, &pieces[i]);
	}
	assert_non_null(arena_take(*state, ARENA_BYTES));
}

static size_t count_resident(void *from, size_t bytes)
{
	size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	unsigned char *first = (unsigned char *)((uintptr_t)from / page_bytes * page_bytes);
	size_t pages = bytes / page_bytes;
	unsigned char *map = calloc(1, pages);
	size_t resident = 0;

	assert_int_equal(mincore(first, pages * page_bytes, map), 0);
	for (size_t i = 0; i < pages; i++)
		resident += map[i] & 1;
	free(map);
	return resident;
}

static void what_is_taken_costs_nothing_until_it_is_touched(void **state)
{
	struct arena *large = arena_new((size_t)1 << 30);
	unsigned char *half = arena_take(large, (size_t)1 << 29);

	(void)state;
	assert_non_null(half);
	assert_true(count_resident(half, (size_t)1 << 29) <= 1);
	half[12345678] = 1;
	assert_true(count_resident(half, (size_t)1 << 29) <= 2);
	arena_free(large);
}

int main(void)
{
#define with_arena(test) cmocka_unit_test_setup_teardown(test, open_arena, close_arena)
	const struct CMUnitTest tests[] = {
		with_arena(all_of_it_can_be_taken_at_once_and_no_more),
		with_arena(a_size_that_overflows_is_refused),
		with_arena(nothing_is_taken_as_something_of_its_own),
		with_arena(every_piece_is_aligned_for_any_use),
		with_arena(zeros_are_zeros_in_memory_that_was_used_before),
		with_arena(pieces_given_back_in_any_order_become_one),
		with_arena(nothing_overlaps_whatever_is_taken_and_given_back),
		cmocka_unit_test(what_is_taken_costs_nothing_until_it_is_touched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
