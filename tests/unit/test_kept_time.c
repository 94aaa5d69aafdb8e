/* SPDX-License-Identifier: Apache-2.0 */
/* What file systems make of times, and what they do not. */
#include "verifier/kept_time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { NANOSECOND = 1, SECOND = 1000000000 };

static bool is_kept(struct timespec kept, struct timespec asked_for, uint32_t grain_ns)
{
	return kept_time_is(&kept, &asked_for, grain_ns);
}

static uint32_t grain_of(const long *nanoseconds, size_t count)
{
	uint32_t grain_ns = KEPT_TIME_COARSEST_NS;

	for (size_t i = 0; i < count; i++)
		grain_ns = kept_time_refine(grain_ns, &(struct timespec){ 5, nanoseconds[i] });
	return grain_ns;
}

static void the_grain_is_what_all_times_are_multiples_of(void **state)
{
	static const long whole[] = { 0, 0 };
	static const long of_windows[] = { 0, 123456700, 5000 };
	static const long microseconds[] = { 120000000, 5000, 123456000 };
	static const long fine[] = { 123456700, 123456789, 0 };

	(void)state;
	assert_int_equal(grain_of(NULL, 0), SECOND);
	assert_int_equal(grain_of(whole, 2), SECOND);
	assert_int_equal(grain_of(of_windows, 3), 100);
	assert_int_equal(grain_of(microseconds, 3), 1000);
	assert_int_equal(grain_of(fine, 3), NANOSECOND);
}

static void a_time_is_cut_to_the_grain_and_not_rounded(void **state)
{
	const struct timespec asked_for = { 5, 123456789 };

	(void)state;
	assert_true(is_kept(asked_for, asked_for, NANOSECOND));
	assert_true(is_kept(asked_for, asked_for, SECOND));
	assert_true(is_kept((struct timespec){ 5, 123456700 }, asked_for, 100));
	assert_true(is_kept((struct timespec){ 5, 123456000 }, asked_for, 1000));
	assert_true(is_kept((struct timespec){ 5, 0 }, asked_for, SECOND));
	assert_false(is_kept((struct timespec){ 5, 123457000 }, asked_for, 1000));
	assert_false(is_kept((struct timespec){ 6, 0 }, asked_for, SECOND));
	assert_false(is_kept((struct timespec){ 4, 0 }, asked_for, SECOND));
	assert_true(is_kept((struct timespec){ -2, 0 }, (struct timespec){ -2, 5 }, SECOND));
}

static void what_finer_times_were_seen_of_is_not_cut(void **state)
{
	const struct timespec asked_for = { 5, 123456789 };

	(void)state;
	assert_false(is_kept((struct timespec){ 5, 0 }, asked_for, 100));
	assert_false(is_kept((struct timespec){ 5, 123456000 }, asked_for, NANOSECOND));
	assert_false(is_kept((struct timespec){ 5, 123456780 }, asked_for, 10));
}

static void a_time_that_is_out_of_range_is_the_bound(void **state)
{
	static const int64_t last[] = { 2147483647, 4294967295, 15032385535, 16299260424 };

	(void)state;
	for (size_t i = 0; i < sizeof(last) / sizeof(last[0]); i++) {
		const struct timespec bound = { last[i], 0 };
		assert_true(is_kept(bound, (struct timespec){ last[i] + 1, 5 }, NANOSECOND));
		assert_true(is_kept(bound, (struct timespec){ INT64_MAX, 0 }, NANOSECOND));
		assert_false(is_kept(bound, (struct timespec){ last[i] - 1, 5 }, NANOSECOND));
	}
	const struct timespec first = { INT32_MIN, 0 };
	assert_true(is_kept(first, (struct timespec){ INT32_MIN - 1L, 500000000 }, NANOSECOND));
	assert_true(is_kept(first, (struct timespec){ INT64_MIN, 0 }, NANOSECOND));
	assert_false(is_kept(first, (struct timespec){ INT32_MIN + 1, 0 }, NANOSECOND));
	assert_true(is_kept((struct timespec){ 0, 0 }, (struct timespec){ -1, 5 }, NANOSECOND));
}

static void a_bound_has_no_fraction(void **state)
{
	const struct timespec last = { INT32_MAX, 0 };
	const struct timespec behind = { INT32_MAX, 1 };

	(void)state;
	assert_true(is_kept(last, behind, NANOSECOND));
	assert_false(is_kept(behind, (struct timespec){ INT32_MAX + 1L, 1 }, NANOSECOND));
}

static void no_other_time_is_a_bound(void **state)
{
	(void)state;
	assert_false(is_kept((struct timespec){ INT32_MAX - 1, 0 },
		(struct timespec){ INT32_MAX + 1L, 0 }, NANOSECOND));
	assert_false(is_kept((struct timespec){ 15032385536, 0 },
		(struct timespec){ 15032385537, 0 }, NANOSECOND));
	assert_false(is_kept((struct timespec){ 0, 0 }, (struct timespec){ 5, 0 }, SECOND));
	assert_false(is_kept(
		(struct timespec){ INT32_MAX, 0 }, (struct timespec){ INT32_MIN, 0 }, SECOND));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_grain_is_what_all_times_are_multiples_of),
		cmocka_unit_test(a_time_is_cut_to_the_grain_and_not_rounded),
		cmocka_unit_test(what_finer_times_were_seen_of_is_not_cut),
		cmocka_unit_test(a_time_that_is_out_of_range_is_the_bound),
		cmocka_unit_test(a_bound_has_no_fraction),
		cmocka_unit_test(no_other_time_is_a_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
