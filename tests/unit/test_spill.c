/* SPDX-License-Identifier: Apache-2.0 */
/* What was put by comes back, wherever it stands. */
#include "unpacker/spill.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum {
	ALL_BYTES = 20 << 20, /* twice and a half what is kept in memory */
	PIECE_BYTES_MAX = 70000,
};

static unsigned char byte_at(size_t at)
{
	return (unsigned char)(at * 2654435761U >> 13);
}

static void assert_comes_back(const struct spill *spill, size_t at, size_t length)
{
	unsigned char *found = malloc(length + 1);

	assert_non_null(found);
	assert_int_equal(spill_read(spill, at, found, length), 0);
	for (size_t i = 0; i < length; i++) {
		if (found[i] != byte_at(at + i))
			fail_msg("byte %zu", at + i);
	}
	free(found);
}

static void fill_and_read(const char *directory)
{
	unsigned char piece[PIECE_BYTES_MAX];
	int directory_fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct spill *spill = spill_new(directory_fd);
	unsigned int seed = 1;
	size_t end = 0;

	assert_true(directory_fd >= 0);
	assert_non_null(spill);
	assert_int_equal(spill_add(spill, NULL, 0), 0);
	while (end < ALL_BYTES) {
		size_t length =
			(size_t)rand_r(&seed) % (rand_r(&seed) % 4 == 0 ? sizeof(piece) : 300);
		for (size_t i = 0; i < length; i++)
			piece[i] = byte_at(end + i);
		assert_int_equal(spill_end(spill), end);
		assert_int_equal(spill_add(spill, piece, length), 0);
		end += length;
		size_t back = (size_t)rand_r(&seed) % (end + 1);
		assert_comes_back(spill, back, end - back < 1000 ? end - back : 1000);
		assert_comes_back(spill, end - length, length);
	}
	assert_comes_back(spill, 0, end);
	assert_true(spill_read(spill, end, piece, 1) < 0);
	assert_true(spill_read(spill, end - 1, piece, 2) < 0);
	spill_free(spill);
	close(directory_fd);
}

static void what_was_put_by_comes_back_from_memory_and_file(void **state)
{
	(void)state;
	fill_and_read(access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
}

static void where_no_file_can_be_it_is_all_in_memory(void **state)
{
	(void)state;
	fill_and_read("/proc");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_put_by_comes_back_from_memory_and_file),
		cmocka_unit_test(where_no_file_can_be_it_is_all_in_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
