/* SPDX-License-Identifier: Apache-2.0 */
/* Digests while unpacking: every byte is in them, and no failure passes as another. */
#include "base/cleanup.h"
#include "base/digest.h"
#include "support/clock.h"
#include "support/host_state.h"
#include "support/pack.h"
#include "support/scratch.h"
#include "support/sha256.h"
#include "support/slow_layer.h"
#include "support/tarball.h"

#include <errno.h>
#include <fcntl.h>
#include <oakum/oakum.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { BOTH = OAKUM_DIGESTS_LAYER | OAKUM_DIGESTS_DIFF_ID };

#define OTHER "sha256:0000000000000000000000000000000000000000000000000000000000000000"

static const struct member plain[] = {
	directory("etc"),
	file("etc/passwd", "root"),
	big_file("large", 3 << 20),
	END,
};

static const struct member hostile[] = {
	file("../evil", "x"),
	big_file("large", 8 << 20),
	END,
};

static const struct member sparse[] = { old_sparse("s", 1 << 20, "abcd",
						REGIONS({ 0, 4 }, { 1 << 20, 0 })),
	zero_blocks(2), zero_blocks(17), raw_bytes(RAW("after the end")), END_CUT };

static void digest_of(const void *bytes, size_t length, char text[DIGEST_TEXT_BYTES])
{
	struct sha256 sha;
	char digits[SHA256_TEXT_BYTES];

	sha256_init(&sha);
	sha256_add(&sha, bytes, length);
	sha256_text(&sha, digits);
	snprintf(text, DIGEST_TEXT_BYTES, "sha256:%s", digits);
}

static int unpack(const void *bytes, size_t length, const struct oakum_unpack_options *options,
	struct oakum_stats *stats, struct oakum_error *err)
{
	struct scratch scratch;

	memset(err, 0, sizeof(*err));
	*stats = (struct oakum_stats)OAKUM_STATS_INIT;
	scratch_make(&scratch);
	cleanup_fd int layer_fd = memory_file(bytes, length);
	int r = oakum_unpack(layer_fd, scratch.rootfs_fd, options, stats, err);
	scratch_remove(&scratch);
	assert_int_equal(host_count_descendants(), 0);
	return r;
}

/* Reported, and taken when they are expected. */
static void check_both(const void *layer, size_t layer_length, const void *tar, size_t tar_length)
{
	char digest[DIGEST_TEXT_BYTES];
	char diff_id[DIGEST_TEXT_BYTES];
	struct oakum_stats stats;
	struct oakum_error err;

	digest_of(layer, layer_length, digest);
	digest_of(tar, tar_length, diff_id);
	if (unpack(layer, layer_length, OAKUM_UNPACK_OPTIONS(.digests = BOTH), &stats, &err) < 0)
		fail_msg("%s: %s", err.op, err.detail);
	assert_string_equal(stats.digest, digest);
	assert_string_equal(stats.diff_id, diff_id);
	assert_int_equal(stats.layer_bytes, layer_length);
	assert_int_equal(stats.stream_bytes, tar_length);
	assert_int_equal(stats.denied_calls, 0);
	assert_int_equal(
		unpack(layer, layer_length,
			OAKUM_UNPACK_OPTIONS(.expect_digest = digest, .expect_diff_id = diff_id),
			&stats, &err),
		0);
	assert_string_equal(stats.digest, digest);
	assert_string_equal(stats.diff_id, diff_id);
}

static void every_byte_to_the_end_is_in_them(void **state)
{
	struct packed (*const packers[])(
		const void *, size_t) = { pack_gzip, pack_zstd, pack_xz, pack_bzip2, pack_lz4 };
	static const char zeros[70000];
	const struct member *const layers[] = { plain, sparse };

	(void)state;
	check_both("", 0, "", 0);
	for (size_t i = 0; i < 2; i++) {
		struct tarball tar = tarball_of(layers[i]);
		check_both(tar.bytes, tar.length, tar.bytes, tar.length);
		for (size_t j = 0; j < sizeof(packers) / sizeof(packers[0]); j++) {
			struct packed packed = packers[j](tar.bytes, tar.length);
			pack_append(&packed, zeros, sizeof(zeros));
			check_both(packed.bytes, packed.length, tar.bytes, tar.length);
			free(packed.bytes);
		}
		tarball_free(&tar);
	}
}

/* As zstd:chunked has: what its own reader looks for lies in frames that all others skip. */
static void frames_that_are_skipped_are_of_the_layer_and_not_of_the_stream(void **state)
{
	static const char skippable[] = "\x5a\x2a\x4d\x18\x06\0\0\0hidden";
	struct tarball tar = tarball_of(plain);
	struct packed packed = pack_zstd(tar.bytes, tar.length);

	(void)state;
	pack_append(&packed, skippable, sizeof(skippable) - 1);
	check_both(packed.bytes, packed.length, tar.bytes, tar.length);
	free(packed.bytes);
	tarball_free(&tar);
}

static void only_those_that_are_asked_for_are_computed(void **state)
{
	static const struct {
		struct oakum_unpack_options options;
		int processes;
	} rows[] = {
		{ { .size = sizeof(struct oakum_unpack_options) }, 3 },
		{ { .size = sizeof(struct oakum_unpack_options), .expect_digest = OTHER }, 4 },
		{ { .size = sizeof(struct oakum_unpack_options), .expect_diff_id = OTHER }, 4 },
		{ { .size = sizeof(struct oakum_unpack_options), .digests = BOTH }, 5 },
	};
	struct tarball tar = tarball_of(plain);
	struct oakum_stats stats;
	struct oakum_error err;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct scratch scratch;
		struct slow_unpack slow;
		pid_t pids[8];
		scratch_make(&scratch);
		slow_unpack_start(&slow, &scratch, &rows[i].options);
		slow_wait_for_walls(pids, rows[i].processes);
		usleep(20000);
		assert_int_equal(host_find_helpers(pids, 8), rows[i].processes);
		slow_unpack_end(&slow);
		scratch_remove(&scratch);
	}
	assert_int_equal(unpack(tar.bytes, tar.length, NULL, &stats, &err), 0);
	assert_string_equal(stats.digest, "");
	assert_string_equal(stats.diff_id, "");
	tarball_free(&tar);
}

/* --- layers that are not the expected ones --- */

struct row {
	const char *name;
	const struct member *members;
	size_t flip_at; /* from the end: a byte of the gzip file that is changed; 0: none */
	bool expects_layer;
	bool expects_stream;
	bool is_expected; /* it is this very layer, and bad all the same */
	uint32_t stage;
	const char *op;
};

static const struct row rows[] = {
	{ "another layer", plain, 0, true, false, false, OAKUM_STAGE_DECOMPRESS, "check digest" },
	{ "another stream", plain, 0, false, true, false, OAKUM_STAGE_READ, "check diffID" },
	{ "both are", plain, 0, true, true, false, OAKUM_STAGE_DECOMPRESS, "check digest" },
	{ "a damaged layer", plain, 3000, true, true, false, OAKUM_STAGE_DECOMPRESS,
		"check digest" },
	{ "a wrong length at the end", plain, 1, true, false, false, OAKUM_STAGE_DECOMPRESS,
		"check digest" },
	{ "a layer that was damaged before it was signed", plain, 3000, true, false, true,
		OAKUM_STAGE_DECOMPRESS, "inflate" },
	{ "a damaged layer of which the stream is known", plain, 3000, false, true, false,
		OAKUM_STAGE_DECOMPRESS, "inflate" },
	{ "a hostile layer in place of another", hostile, 0, true, false, false,
		OAKUM_STAGE_DECOMPRESS, "check digest" },
	{ "a hostile stream in place of another", hostile, 0, false, true, false, OAKUM_STAGE_READ,
		"check diffID" },
	{ "a hostile layer that was signed", hostile, 0, true, true, true, OAKUM_STAGE_READ,
		"check name" },
};

static void refuse(const struct row *row, const struct packed *layer, const struct tarball *tar)
{
	char digest[DIGEST_TEXT_BYTES] = OTHER;
	char diff_id[DIGEST_TEXT_BYTES] = OTHER;
	struct oakum_stats stats;
	struct oakum_error err;

	if (row->is_expected) {
		digest_of(layer->bytes, layer->length, digest);
		digest_of(tar->bytes, tar->length, diff_id);
	}
	int r = unpack(layer->bytes, layer->length,
		OAKUM_UNPACK_OPTIONS(.expect_digest = row->expects_layer ? digest : NULL,
			.expect_diff_id = row->expects_stream ? diff_id : NULL),
		&stats, &err);
	if (r != -EBADMSG || err.stage != row->stage || strcmp(err.op, row->op) != 0)
		fail_msg("%s: %d, %s: %s", row->name, r, err.op, err.detail);
	assert_string_equal(stats.digest, "");
	assert_int_equal(stats.entries, 0);
	if (strncmp(row->op, "check d", 7) != 0)
		return;
	assert_string_equal(err.entry, "");
	assert_non_null(strstr(err.detail, OTHER));
}

static void what_is_not_expected_is_refused_and_explains_what_is_wrong_with_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tarball tar = tarball_of(rows[i].members);
		struct packed packed = pack_gzip(tar.bytes, tar.length);
		if (rows[i].flip_at > 0)
			packed.bytes[packed.length - rows[i].flip_at] ^= 0xff;
		refuse(&rows[i], &packed, &tar);
		free(packed.bytes);
		tarball_free(&tar);
	}
}

/* Whoever wants nothing more to be read of the source is told what is known by then. */
static void it_is_read_on_only_where_it_may_be_drained(void **state)
{
	struct tarball tar = tarball_of(hostile);
	struct oakum_stats stats;
	struct oakum_error err;

	(void)state;
	assert_int_equal(unpack(tar.bytes, tar.length, OAKUM_UNPACK_OPTIONS(.expect_digest = OTHER),
				 &stats, &err),
		-EBADMSG);
	assert_string_equal(err.op, "check digest");
	assert_int_equal(
		unpack(tar.bytes, tar.length,
			OAKUM_UNPACK_OPTIONS(.expect_digest = OTHER, .drain = OAKUM_DRAIN_NONE),
			&stats, &err),
		-EBADMSG);
	assert_string_equal(err.op, "check name");
	tarball_free(&tar);
}

/* Nobody will ever know its digest: what is known is told a moment later. */
static void a_source_that_stalls_hides_no_refusal(void **state)
{
	static const struct oakum_unpack_options options[] = {
		{ .size = sizeof(options[0]), .drain_ms = 50, .expect_digest = OTHER },
		{ .size = sizeof(options[0]), .drain_ms = 50, .expect_diff_id = OTHER },
		{ .size = sizeof(options[0]),
			.drain_ms = 50,
			.expect_digest = OTHER,
			.expect_diff_id = OTHER },
	};
	struct tarball tar = tarball_of(hostile);
	struct scratch scratch;

	(void)state;
	scratch_make(&scratch);
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		struct slow_unpack slow;
		slow_unpack_start(&slow, &scratch, &options[i]);
		assert_int_equal(slow_unpack_write(&slow, tar.bytes, 4096), 4096);
		double start = seconds_now();
		pthread_join(slow.thread, NULL);
		assert_true(seconds_now() - start < 4);
		assert_int_equal(slow.result, -EBADMSG);
		assert_string_equal(slow.err.entry, "../evil");
		assert_int_equal(host_count_descendants(), 0);
		close(slow.write_fd);
		close(slow.read_fd);
	}
	scratch_remove(&scratch);
	tarball_free(&tar);
}

/* --- deaths, time, cancelling --- */

static const struct oakum_unpack_options with_both = {
	.size = sizeof(struct oakum_unpack_options),
	.digests = BOTH,
	.drain_ms = 50,
};

static void a_hasher_that_is_killed_is_named(void **state)
{
	struct tarball tar = tarball_of(plain);
	struct scratch scratch;

	(void)state;
	scratch_make(&scratch);
	for (int victim = 1; victim <= 3; victim += 2) {
		for (int stalls = 0; stalls < 2; stalls++) {
			struct slow_unpack slow;
			pid_t pids[5];
			slow_unpack_start(&slow, &scratch, &with_both);
			slow_wait_for_walls(pids, 5);
			assert_int_equal(slow_unpack_write(&slow, tar.bytes, 2000), 2000);
			assert_int_equal(kill(pids[victim], SIGKILL), 0);
			if (stalls == 1)
				pthread_join(slow.thread, NULL);
			int r = stalls == 1 ? slow.result : slow_unpack_end(&slow);
			assert_int_equal(r, -EIO);
			assert_int_equal(slow.err.stage, OAKUM_STAGE_REAP);
			assert_non_null(strstr(slow.err.detail,
				victim == 1 ? "the hasher of the layer was killed by signal 9"
					    : "the hasher of the tar stream was killed by signal "
					      "9"));
			assert_int_equal(host_count_descendants(), 0);
			if (stalls == 1) {
				close(slow.write_fd);
				close(slow.read_fd);
			}
		}
	}
	scratch_remove(&scratch);
	tarball_free(&tar);
}

static void kills_at_random_times_never_hang_and_never_lie(void **state)
{
	struct tarball tar = tarball_of(plain);
	struct scratch scratch;
	char digest[DIGEST_TEXT_BYTES];
	unsigned int failed = 0;

	(void)state;
	digest_of(tar.bytes, tar.length, digest);
	const struct oakum_unpack_options options = {
		.size = sizeof(options), .expect_digest = digest, .expect_diff_id = digest
	};
	srandom(7);
	scratch_make(&scratch);
	for (int run = 0; run < 60; run++) {
		struct slow_unpack slow;
		pid_t pids[5];
		scratch_renew(&scratch);
		slow_unpack_start(&slow, &scratch, &options);
		assert_int_equal(slow_unpack_write(&slow, tar.bytes, 4096), 4096);
		usleep((useconds_t)(random() % 4000));
		int found = host_find_helpers(pids, 5);
		if (found > 0)
			(void)kill(pids[random() % found], SIGKILL);
		size_t put = slow_unpack_write(&slow, tar.bytes + 4096, tar.length - 4096);
		int r = slow_unpack_end(&slow);
		failed += r < 0;
		if (r == 0)
			assert_int_equal(put, tar.length - 4096);
		else if (r != -EIO || strstr(slow.err.detail, "signal 9") == NULL)
			fail_msg("%d, %s: %s", r, slow.err.op, slow.err.detail);
		assert_int_equal(host_count_descendants(), 0);
	}
	assert_true(failed > 0);
	scratch_remove(&scratch);
	tarball_free(&tar);
}

static bool are_gone(const pid_t pids[5])
{
	for (int tries = 0; tries < 500; tries++) {
		int alive = 0;
		for (int i = 0; i < 5; i++)
			alive += kill(pids[i], 0) == 0;
		if (alive == 0)
			return true;
		usleep(10000);
	}
	return false;
}

static void when_the_caller_dies_hashers_do_not_live_on(void **state)
{
	struct scratch scratch;
	pid_t pids[5];
	int source[2];
	int status;

	(void)state;
	scratch_make(&scratch);
	assert_int_equal(pipe2(source, O_CLOEXEC), 0);
	pid_t caller = fork();
	assert_true(caller >= 0);
	if (caller == 0) {
		struct oakum_error err;
		(void)oakum_unpack(source[0], scratch.rootfs_fd, &with_both, NULL, &err);
		_exit(0);
	}
	slow_wait_for_walls(pids, 5);
	assert_int_equal(kill(caller, SIGKILL), 0);
	assert_int_equal(waitpid(caller, &status, 0), caller);
	assert_true(are_gone(pids));
	close(source[0]);
	close(source[1]);
	scratch_remove(&scratch);
}

static void time_runs_out_for_hashers_too(void **state)
{
	struct oakum_unpack_options options = with_both;
	struct scratch scratch;
	struct slow_unpack slow;
	pid_t pids[5];

	(void)state;
	options.timeout_ms = 1000;
	scratch_make(&scratch);
	for (int victim = 1; victim <= 3; victim += 2) { /* one that is stopped reads no clock */
		slow_unpack_start(&slow, &scratch, &options);
		slow_wait_for_walls(pids, 5);
		assert_int_equal(kill(pids[victim], SIGSTOP), 0);
		pthread_join(slow.thread, NULL);
		assert_int_equal(slow.result, -ETIMEDOUT);
		assert_int_equal(host_count_descendants(), 0);
		close(slow.write_fd);
		close(slow.read_fd);
	}
	scratch_remove(&scratch);
}

/* --- a layer that is only decompressed --- */

static int decompress(int layer_fd, int output_fd, const struct oakum_unpack_options *options,
	struct oakum_stats *stats, struct oakum_error *err)
{
	struct oakum_job *job;

	*stats = (struct oakum_stats)OAKUM_STATS_INIT;
	assert_int_equal(oakum_decompress_start(layer_fd, output_fd, options, &job, err), 0);
	int r = oakum_job_wait(&job, stats, err);
	assert_int_equal(host_count_descendants(), 0);
	return r;
}

static void a_stream_that_is_written_out_has_digests_too(void **state)
{
	struct tarball tar = tarball_of(plain);
	struct packed packed = pack_gzip(tar.bytes, tar.length);
	char digest[DIGEST_TEXT_BYTES];
	char diff_id[DIGEST_TEXT_BYTES];
	struct oakum_stats stats;
	struct oakum_error err;

	(void)state;
	digest_of(packed.bytes, packed.length, digest);
	digest_of(tar.bytes, tar.length, diff_id);
	cleanup_fd int layer_fd = memory_file(packed.bytes, packed.length);
	cleanup_fd int output_fd = memory_file("", 0);
	assert_int_equal(decompress(layer_fd, output_fd, &with_both, &stats, &err), 0);
	assert_string_equal(stats.digest, digest);
	assert_string_equal(stats.diff_id, diff_id);
	assert_int_equal(lseek(output_fd, 0, SEEK_END), tar.length);
	lseek(layer_fd, 0, SEEK_SET);
	assert_int_equal(decompress(layer_fd, output_fd,
				 OAKUM_UNPACK_OPTIONS(.expect_diff_id = digest), &stats, &err),
		-EBADMSG);
	assert_string_equal(err.op, "check diffID");
	lseek(layer_fd, 0, SEEK_SET);
	cleanup_fd int full_fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	assert_int_equal(decompress(layer_fd, full_fd,
				 OAKUM_UNPACK_OPTIONS(.expect_digest = OTHER, .digests = BOTH),
				 &stats, &err),
		-ENOSPC);
	assert_string_equal(err.op, "write");
	free(packed.bytes);
	tarball_free(&tar);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		host_test(every_byte_to_the_end_is_in_them),
		host_test(frames_that_are_skipped_are_of_the_layer_and_not_of_the_stream),
		host_test(only_those_that_are_asked_for_are_computed),
		host_test(what_is_not_expected_is_refused_and_explains_what_is_wrong_with_it),
		host_test(it_is_read_on_only_where_it_may_be_drained),
		host_test(a_source_that_stalls_hides_no_refusal),
		host_test(a_hasher_that_is_killed_is_named),
		host_test(kills_at_random_times_never_hang_and_never_lie),
		host_test(when_the_caller_dies_hashers_do_not_live_on),
		host_test(time_runs_out_for_hashers_too),
		host_test(a_stream_that_is_written_out_has_digests_too),
	};

	(void)signal(
		SIGPIPE, SIG_IGN); /* for the tests' own pipes; no call of ours writes to one */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
