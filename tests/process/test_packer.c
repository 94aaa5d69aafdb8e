/* SPDX-License-Identifier: Apache-2.0 */
/* Real trees -> tar streams: which entries come, in which order, with what in their headers. */
#include "jail/jail.h"
#include "packer/packer.h"
#include "packer/tar_encoder.h"
#include "support/scratch.h"
#include "unpacker/remove.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <cmocka.h>

enum { LONG_AGO = 86400, DEEP = 5000, DEEP_SIDES = 20, STREAM_MAX = 64 << 20 };

static struct scratch scratch;
static struct storage_options storage;
static struct oakum_error err;
static char warnings[4096];
static char *stream;
static size_t stream_length;

/* --- the tree --- */

static int set_up(void **state)
{
	(void)state;
	umask(0);
	scratch_make(&scratch);
	assert_int_equal(mkdirat(scratch.rootfs_fd, "src", 0755), 0);
	storage = (struct storage_options){ 0 };
	warnings[0] = '\0';
	stream = NULL;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	assert_int_equal(chdir("/"), 0);
	assert_true(scratch_outside_is_untouched(&scratch));
	scratch_remove(&scratch);
	free(stream);
	return 0;
}

static void set_time(const char *path, time_t seconds, long nanoseconds)
{
	const struct timespec times[2] = { { seconds, nanoseconds }, { seconds, nanoseconds } };

	assert_int_equal(utimensat(scratch.rootfs_fd, path, times, AT_SYMLINK_NOFOLLOW), 0);
}

static void make_directory(const char *path)
{
	assert_int_equal(mkdirat(scratch.rootfs_fd, path, 0755), 0);
	set_time(path, LONG_AGO, 0);
}

static void make_file(const char *path, const char *content)
{
	int fd = openat(scratch.rootfs_fd, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, strlen(content)), (ssize_t)strlen(content));
	close(fd);
	set_time(path, LONG_AGO, 0);
}

static void make_link(const char *path, const char *target)
{
	assert_int_equal(symlinkat(target, scratch.rootfs_fd, path), 0);
	set_time(path, LONG_AGO, 0);
}

static void make_hard_link(const char *path, const char *target)
{
	assert_int_equal(linkat(scratch.rootfs_fd, target, scratch.rootfs_fd, path, 0), 0);
}

static void make_node(const char *path, mode_t mode, dev_t device)
{
	assert_int_equal(mknodat(scratch.rootfs_fd, path, mode, device), 0);
	set_time(path, LONG_AGO, 0);
}

static void set_attribute(const char *path, const char *name, const char *value)
{
	int fd = openat(scratch.rootfs_fd, path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(fsetxattr(fd, name, value, strlen(value), 0), 0);
	close(fd);
}

/* --- packing --- */

static void take_warning(void *context, const char *message)
{
	size_t length = strlen(warnings);

	(void)context;
	snprintf(warnings + length, sizeof(warnings) - length, "%s\n", message);
}

static int pack(const char *source)
{
	const struct packer_options options = {
		.root_fd = scratch.rootfs_fd,
		.source = source,
		.stream_fd = memfd_create("stream", MFD_CLOEXEC),
		.storage = &storage,
		.warn = take_warning,
	};
	struct packer *packer;

	assert_true(options.stream_fd >= 0);
	int r = packer_open(&options, &packer, &err);
	if (r == 0)
		r = packer_run(packer, &err);
	packer_close(&packer);
	free(stream);
	stream = malloc(STREAM_MAX);
	assert_non_null(stream);
	ssize_t length = pread(options.stream_fd, stream, STREAM_MAX, 0);
	assert_true(length >= 0 && length < STREAM_MAX);
	stream_length = (size_t)length;
	close(options.stream_fd);
	return r;
}

static unsigned long octal(const char *field)
{
	return strtoul(field, NULL, 8);
}

/* The value of a record, cut at its newline; or what is in the field. */
static void text_of(const char *records, const char *key, const char *field, char *text)
{
	char start[32];

	snprintf(start, sizeof(start), " %s=", key);
	const char *at = records == NULL ? NULL : strstr(records, start);
	if (at != NULL)
		snprintf(text, 512, "%.*s", (int)strcspn(at + strlen(start), "\n"),
			at + strlen(start));
	else
		snprintf(text, 512, "%.100s", field);
}

static size_t padded(size_t bytes)
{
	return bytes + tar_padding(bytes);
}

/* One line an entry: type, name, link. Checks that two zero blocks end it, and nothing follows. */
static void list(char *text, size_t text_bytes)
{
	const char *records = NULL;
	size_t length = 0;
	size_t at = 0;

	text[0] = '\0';
	for (; at < stream_length && stream[at + 156] != '\0'; at += TAR_BLOCK_BYTES) {
		char name[512];
		char link[512];
		const char *block = stream + at;
		if (block[156] == 'x') {
			records = block + TAR_BLOCK_BYTES;
			at += padded(octal(block + 124));
			continue;
		}
		text_of(records, "path", block, name);
		text_of(records, "linkpath", block + 157, link);
		length += (size_t)snprintf(text + length, text_bytes - length, "%c %s%s%s\n",
			block[156], name, *link == '\0' ? "" : " -> ", link);
		assert_true(length < text_bytes);
		records = NULL;
		if (block[156] == TAR_FILE)
			at += padded(octal(block + 124));
	}
	assert_int_equal(stream_length - at, TAR_END_BYTES);
}

static void assert_packed(const char *source, const char *expected)
{
	static char found[64 << 10];

	if (pack(source) < 0)
		fail_msg("%s %s: %s (%s)", err.op, err.entry, strerror(err.code), err.detail);
	list(found, sizeof(found));
	assert_string_equal(found, expected);
}

/* The header of the entry, by the name in its block. */
static const char *header_of(const char *name)
{
	for (size_t at = 0; at < stream_length; at += TAR_BLOCK_BYTES) {
		const char *block = stream + at;
		if (strcmp(block, name) == 0 && memcmp(block + 257, "ustar", 6) == 0)
			return block;
	}
	fail_msg("%s is not there", name);
	abort();
}

static bool has_record(const char *record)
{
	return memmem(stream, stream_length, record, strlen(record)) != NULL;
}

/* --- order and names --- */

static void names_come_in_the_order_of_their_bytes_and_directories_before_what_is_in_them(
	void **state)
{
	(void)state;
	make_directory("src/b");
	make_directory("src/a");
	make_file("src/a.txt", "");
	make_file("src/a/z", "z");
	make_file("src/a/Z", "Z");
	make_file("src/B", "");
	make_file("src/b/1", "one");
	make_file("src/\xc3\xa4", "");
	make_file("src/not-\xff-utf8", "x");
	assert_packed("/src", "0 B\n5 a/\n0 a/Z\n0 a/z\n0 a.txt\n5 b/\n0 b/1\n"
			      "0 not-\xff-utf8\n0 \xc3\xa4\n");
	assert_string_equal(warnings, "");
	assert_string_equal(header_of("b/1") + TAR_BLOCK_BYTES, "one");
}

static void an_empty_directory_is_an_empty_archive(void **state)
{
	(void)state;
	assert_packed("/src", "");
	assert_int_equal(stream_length, TAR_END_BYTES);
}

static void the_source_itself_comes_when_it_is_asked_for(void **state)
{
	(void)state;
	make_directory("src/a");
	make_file("src/a/b", "");
	storage.includes_source_dir = true;
	assert_packed("/src", "5 ./\n5 ./a/\n0 ./a/b\n");
}

static void a_name_may_have_255_bytes(void **state)
{
	char name[256];
	char path[300];
	char expected[300];

	(void)state;
	memset(name, 'n', 255);
	name[255] = '\0';
	snprintf(path, sizeof(path), "src/%s", name);
	make_file(path, "");
	snprintf(expected, sizeof(expected), "0 %s\n", name);
	assert_packed("/src", expected);
}

/* "d" below "d" and so on; at every 250th level "e" beside it, which comes on the way back. */
static void a_tree_may_be_5000_levels_deep(void **state)
{
	size_t entries = 0;
	char last = 0;

	(void)state;
	int fd = openat(scratch.rootfs_fd, "src", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < DEEP; i++) {
		assert_int_equal(mkdirat(fd, "d", 0755), 0);
		if (i % (DEEP / DEEP_SIDES) == 0)
			assert_int_equal(mkdirat(fd, "e", 0755), 0);
		int below_fd = openat(fd, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_true(below_fd >= 0);
		close(fd);
		fd = below_fd;
	}
	close(fd);
	assert_int_equal(pack("/src"), 0);
	for (size_t at = 0; stream[at + 156] != '\0'; at += TAR_BLOCK_BYTES) {
		if (stream[at + 156] == 'x')
			at += padded(octal(stream + at + 124));
		else
			entries++;
		last = stream[at];
	}
	assert_int_equal(entries, DEEP + DEEP_SIDES);
	assert_int_equal(last, 'e');
	assert_string_equal(warnings, "");
	assert_int_equal(remove_content(scratch.rootfs_fd, NULL), 0);
}

/* --- types --- */

static void every_type_has_its_header(void **state)
{
	(void)state;
	make_node("src/block", S_IFBLK | 0660, makedev(259, 70000));
	make_node("src/char", S_IFCHR | 0666, makedev(1, 3));
	make_node("src/fifo", S_IFIFO | 06600, 0);
	make_file("src/file", "content");
	make_link("src/link", "/etc/passwd");
	assert_int_equal(fchownat(scratch.rootfs_fd, "src/file", 1000, 3000000, 0), 0);
	assert_int_equal(fchmodat(scratch.rootfs_fd, "src/file", 04755, 0), 0);
	assert_packed("/src", "4 block\n3 char\n6 fifo\n0 file\n2 link -> /etc/passwd\n");
	assert_int_equal(octal(header_of("block") + 329), 259);
	assert_int_equal(octal(header_of("block") + 337), 70000);
	assert_int_equal(octal(header_of("fifo") + 100), 06600);
	assert_int_equal(octal(header_of("file") + 100), 04755);
	assert_int_equal(octal(header_of("file") + 108), 1000);
	assert_int_equal(octal(header_of("file") + 116), 0);
	assert_int_equal(octal(header_of("file") + 136), LONG_AGO);
	assert_true(has_record("15 gid=3000000\n"));
	/* Names of users are nobody's business. */
	assert_int_equal(header_of("file")[265], 0);
	assert_int_equal(header_of("file")[297], 0);
}

static void a_socket_is_left_out_with_a_word(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	(void)state;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_true(snprintf(address.sun_path, sizeof(address.sun_path), "%s/rootfs/src/so\n",
			    scratch.path) < (int)sizeof(address.sun_path));
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	assert_packed("/src", "");
	assert_string_equal(warnings, "archive: skipping \"/src/so\\n\" since it is a socket\n");
}

static void a_file_of_several_names_is_a_hard_link_to_the_first(void **state)
{
	(void)state;
	make_file("src/b", "content");
	make_hard_link("src/a", "src/b");
	make_hard_link("src/c", "src/b");
	make_link("src/l1", "b");
	make_hard_link("src/l2", "src/l1");
	assert_packed("/src", "0 a\n1 b -> a\n1 c -> a\n2 l1 -> b\n1 l2 -> l1\n");
	assert_int_equal(octal(header_of("b") + 124), 0);
}

static void hard_links_are_found_among_thousands(void **state)
{
	static char expected[64 << 10];
	size_t length = 0;
	char path[64];
	char other[64];

	(void)state;
	for (int i = 0; i < 1000; i++) {
		snprintf(path, sizeof(path), "src/a%03d", i);
		snprintf(other, sizeof(other), "src/b%03d", i);
		make_file(path, "");
		make_hard_link(other, path);
		length += (size_t)snprintf(
			expected + length, sizeof(expected) - length, "0 %s\n", path + 4);
	}
	for (int i = 0; i < 1000; i++)
		length += (size_t)snprintf(
			expected + length, sizeof(expected) - length, "1 b%03d -> a%03d\n", i, i);
	assert_packed("/src", expected);
}

/* --- attributes, owners, times --- */

static void user_attributes_and_capabilities_are_packed_and_no_others(void **state)
{
	static const char capability[20] = { 1, 0, 0, 2, 0, 32 };

	(void)state;
	make_file("src/f", "");
	make_directory("src/d");
	set_attribute("src/f", "user.b", "2");
	set_attribute("src/f", "user.a", "");
	set_attribute("src/d", "user.d", "x=y");
	set_attribute("src/d", "user.overlay.opaque", "y");
	set_attribute("src/d", "trusted.overlay.opaque", "y");
	set_attribute("src/f", "trusted.t", "t");
	int fd = openat(scratch.rootfs_fd, "src/f", O_RDONLY | O_CLOEXEC);
	assert_int_equal(fsetxattr(fd, "security.capability", capability, 20, 0), 0);
	close(fd);
	assert_packed("/src", "5 d/\n0 f\n");
	assert_true(has_record("27 SCHILY.xattr.user.d=x=y\n"));
	assert_true(has_record("57 SCHILY.xattr.security.capability=\001"));
	assert_true(has_record("\n24 SCHILY.xattr.user.a=\n25 SCHILY.xattr.user.b=2\n"));
	assert_false(has_record("overlay"));
	assert_false(has_record("trusted"));
}

static void a_symlink_s_target_lends_it_no_attributes(void **state)
{
	(void)state;
	make_file("src/f", "");
	set_attribute("src/f", "user.a", "1");
	make_link("src/l", "f");
	assert_int_equal(pack("/src/l"), 0);
	assert_false(has_record("user.a"));
}

static void owners_are_those_of_the_container_and_who_has_none_is_left_out(void **state)
{
	static const struct idmap_range uids[] = { { 0, 1000, 1 }, { 1, 100000, 10 } };
	static const struct idmap_range gids[] = { { 5, 0, 1 } };

	(void)state;
	make_file("src/a", "");
	make_file("src/b", "");
	make_file("src/.wh.c", "");
	assert_int_equal(fchownat(scratch.rootfs_fd, "src/a", 100003, 0, 0), 0);
	storage.uids = (struct idmap){ .is_given = true, .ranges = uids, .count = 2 };
	storage.gids = (struct idmap){ .is_given = true, .ranges = gids, .count = 1 };
	assert_packed("/src", "0 .wh.c\n0 a\n");
	assert_int_equal(octal(header_of("a") + 108), 4);
	assert_int_equal(octal(header_of("a") + 116), 5);
	assert_string_equal(warnings, "Can't add file /src/b to tar: "
				      "host ID 0 cannot be mapped to a container ID; skipping\n");
}

static void an_owner_of_everything_is_not_mapped(void **state)
{
	(void)state;
	make_file("src/a", "");
	storage.has_chown = true;
	storage.chown_uid = 12;
	storage.chown_gid = -1;
	assert_packed("/src", "0 a\n");
	assert_int_equal(octal(header_of("a") + 108), 12);
	assert_true(has_record("9 gid=-1\n"));
}

static void times_have_no_fraction_but_in_a_copy_pass(void **state)
{
	(void)state;
	make_file("src/a", "");
	set_time("src/a", 999, 999999999);
	make_file("src/b", "");
	assert_packed("/src", "0 a\n0 b\n");
	assert_int_equal(octal(header_of("a") + 136), 999);
	assert_false(has_record("mtime"));
	storage.copy_pass = true;
	assert_packed("/src", "0 a\n0 b\n");
	assert_true(has_record("23 mtime=999.999999999\n"));
	assert_false(has_record("atime"));
}

static void a_timestamp_is_the_time_of_everything(void **state)
{
	(void)state;
	make_file("src/a", "");
	storage.has_timestamp = true;
	storage.timestamp_s = 123;
	storage.timestamp_ns = 5;
	assert_packed("/src", "0 a\n");
	assert_int_equal(octal(header_of("a") + 136), 123);
	assert_false(has_record("time="));
	storage.copy_pass = true;
	assert_packed("/src", "0 a\n");
	assert_true(has_record("23 atime=123.000000005\n23 ctime=123.000000005\n"
			       "23 mtime=123.000000005\n"));
}

/* --- what is asked for --- */

static void make_two_directories(void)
{
	make_directory("src/a");
	make_file("src/a/x", "");
	make_directory("src/b");
	make_file("src/b/a", "");
	make_link("src/link", "a");
}

static void includes_are_walked_in_their_order_and_nothing_comes_twice(void **state)
{
	static const char *const includes[] = { "b", "a/x", "missing", "a", ".", NULL };

	(void)state;
	make_two_directories();
	storage.include_files = includes;
	assert_packed("/src", "5 b/\n0 b/a\n0 a/x\n5 a/\n2 link -> a\n");
	assert_string_equal(warnings, "Tar: Can't stat file /src to tar: "
				      "lstat /src/missing: no such file or directory\n");
}

static void an_include_that_ends_with_a_slash_follows_a_symlink(void **state)
{
	static const char *const plain[] = { "link", NULL };
	static const char *const followed[] = { "link/", NULL };

	(void)state;
	make_two_directories();
	storage.include_files = plain;
	assert_packed("/src", "2 link -> a\n");
	storage.include_files = followed;
	assert_packed("/src", "5 link/\n0 link/x\n");
}

static void no_include_leads_out_of_the_root(void **state)
{
	static const char *const includes[] = { "../../outside/secret", "out/secret",
		"../../../etc/passwd", "up/", NULL };

	(void)state;
	make_link("src/out", "../../outside");
	make_link("src/up", "../../..");
	make_file("src/in", "");
	storage.include_files = includes;
	assert_int_equal(pack("/src"), 0);
	assert_false(has_record("nothing may ever touch"));
	assert_false(has_record("root:"));
}

static void an_include_is_renamed_where_it_first_occurs(void **state)
{
	static const char *const includes[] = { "a", "b", "link", NULL };
	static const struct storage_rename renames[] = { { "a", "new/name" }, { "b", "/" },
		{ "link", "" }, { NULL, NULL } };

	(void)state;
	make_two_directories();
	storage.include_files = includes;
	storage.renames = renames;
	assert_packed("/src", "5 new/name/\n0 new/name/x\n5 /\n0 /a\n2 link -> a\n");
}

static void what_is_excluded_is_left_out_with_all_below_but_for_exceptions(void **state)
{
	static const char *const patterns[] = { "a", "!a/x", NULL };

	(void)state;
	make_two_directories();
	make_file("src/a/y", "");
	make_directory("src/a/z");
	storage.exclude_patterns = patterns;
	assert_packed("/src", "0 a/x\n5 b/\n0 b/a\n2 link -> a\n");
}

static void what_is_included_by_name_is_not_excluded(void **state)
{
	static const char *const includes[] = { "b/a", "a", NULL };
	static const char *const patterns[] = { "a", "b", NULL };

	(void)state;
	make_two_directories();
	storage.include_files = includes;
	storage.exclude_patterns = patterns;
	assert_packed("/src", "0 b/a\n5 a/\n");
}

static void a_source_that_is_no_directory_is_an_archive_of_itself(void **state)
{
	static const char *const includes[] = { "other", NULL };

	(void)state;
	make_two_directories();
	assert_packed("/src/a/x", "0 x\n");
	assert_packed("/src/link", "2 link -> a\n");
	assert_packed("/src/link/", "0 x\n");
	storage.include_files = includes;
	assert_packed("/src/a/x", "0 x\n");
	assert_string_equal(warnings, "Tar: Can't archive a file with includes\n");
}

/* --- whiteouts --- */

static void a_device_0_0_is_a_whiteout_when_overlay_is_converted(void **state)
{
	(void)state;
	make_directory("src/d");
	make_node("src/d/gone", S_IFCHR | 0600, 0);
	make_node("src/wh", S_IFCHR, 0);
	make_hard_link("src/wh2", "src/wh");
	make_hard_link("src/wh3", "src/wh");
	assert_packed("/src", "5 d/\n3 d/gone\n3 wh\n1 wh2 -> wh\n1 wh3 -> wh\n");
	storage.whiteouts = STORAGE_WHITEOUTS_OVERLAY;
	assert_packed(
		"/src", "5 d/\n0 d/.wh.gone\n0 .wh.wh\n0 .wh.wh2 -> .wh.wh\n0 .wh.wh3 -> .wh.wh\n");
	assert_int_equal(octal(header_of("d/.wh.gone") + 100), 0);
}

/* --- compression --- */

static void the_stream_can_be_gzip(void **state)
{
	static char plain[64 << 10];
	z_stream gzip = { 0 };

	(void)state;
	make_file("src/a", "content");
	storage.compression = STORAGE_COMPRESSION_GZIP;
	assert_int_equal(pack("/src"), 0);
	assert_int_equal(inflateInit2(&gzip, 31), Z_OK);
	gzip.next_in = (unsigned char *)stream;
	gzip.avail_in = (unsigned int)stream_length;
	gzip.next_out = (unsigned char *)plain;
	gzip.avail_out = sizeof(plain);
	assert_int_equal(inflate(&gzip, Z_FINISH), Z_STREAM_END);
	assert_int_equal(gzip.total_out, 2 * TAR_BLOCK_BYTES + TAR_END_BYTES);
	assert_string_equal(plain + TAR_BLOCK_BYTES, "content");
	inflateEnd(&gzip);
}

static void the_stream_can_be_zstd(void **state)
{
	static char plain[64 << 10];

	(void)state;
	make_file("src/a", "content");
	storage.compression = STORAGE_COMPRESSION_ZSTD;
	assert_int_equal(pack("/src"), 0);
	assert_int_equal(ZSTD_decompress(plain, sizeof(plain), stream, stream_length),
		2 * TAR_BLOCK_BYTES + TAR_END_BYTES);
	assert_string_equal(plain + TAR_BLOCK_BYTES, "content");
}

static void a_large_stream_is_whole_in_every_compression(void **state)
{
	static const int64_t compressions[] = { STORAGE_COMPRESSION_NONE, STORAGE_COMPRESSION_GZIP,
		STORAGE_COMPRESSION_ZSTD };
	enum { LARGE = 3 << 20 };
	unsigned int seed = 1;
	unsigned char *content = malloc(LARGE);

	(void)state;
	assert_non_null(content);
	for (size_t i = 0; i < LARGE; i++) {
		seed = seed * 1103515245 + 12345;
		content[i] = (unsigned char)(seed >> 16);
	}
	int fd = openat(scratch.rootfs_fd, "src/large", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	assert_int_equal(write(fd, content, LARGE), LARGE);
	close(fd);
	for (size_t i = 0; i < 3; i++) {
		char *plain = malloc(2 * LARGE);
		assert_non_null(plain);
		uLongf length = 2 * LARGE;
		storage.compression = compressions[i];
		assert_int_equal(pack("/src"), 0);
		if (compressions[i] == STORAGE_COMPRESSION_GZIP) {
			z_stream gzip = { .next_in = (unsigned char *)stream,
				.avail_in = (unsigned int)stream_length,
				.next_out = (unsigned char *)plain,
				.avail_out = 2 * LARGE };
			assert_int_equal(inflateInit2(&gzip, 31), Z_OK);
			assert_int_equal(inflate(&gzip, Z_FINISH), Z_STREAM_END);
			length = gzip.total_out;
			inflateEnd(&gzip);
		} else if (compressions[i] == STORAGE_COMPRESSION_ZSTD) {
			length = ZSTD_decompress(plain, 2 * LARGE, stream, stream_length);
		} else {
			length = stream_length;
			memcpy(plain, stream, stream_length);
		}
		assert_int_equal(length, LARGE + TAR_BLOCK_BYTES + TAR_END_BYTES);
		assert_memory_equal(plain + TAR_BLOCK_BYTES, content, LARGE);
		free(plain);
	}
	free(content);
}

/* --- errors --- */

static void assert_fails(const char *source, int code, const char *op, const char *detail)
{
	assert_int_equal(pack(source), -code);
	assert_int_equal(err.code, code);
	assert_string_equal(err.op, op);
	assert_string_equal(err.detail, detail);
	assert_int_equal(stream_length, 0);
}

static void what_cannot_be_done_is_said_as_the_go_helper_says_it(void **state)
{
	static const char *const bad_pattern[] = { "[", NULL };

	(void)state;
	storage.compression = STORAGE_COMPRESSION_BZIP2;
	assert_fails("/src", EINVAL, "", "unsupported compression format tar.bz2");
	storage.compression = STORAGE_COMPRESSION_XZ;
	assert_fails("/src", EINVAL, "", "unsupported compression format tar.xz");
	storage.compression = -9;
	assert_fails("/src", EINVAL, "", "unsupported compression format ");
	storage.exclude_patterns = bad_pattern;
	assert_fails("/src", EINVAL, "", "syntax error in pattern");
}

static void a_source_that_is_not_there_is_an_empty_archive(void **state)
{
	(void)state;
	assert_int_equal(pack("/missing"), 0);
	assert_int_equal(stream_length, TAR_END_BYTES);
	assert_string_equal(
		warnings, "Can't find /missing: no such file or directory; the archive is empty\n");
}

static void a_name_that_cannot_be_written_ends_it(void **state)
{
	static const char *const includes[] = { "a", NULL };
	static const struct storage_rename renames[] = { { "a", "b/" }, { NULL, NULL } };

	(void)state;
	make_file("src/a", "");
	storage.include_files = includes;
	storage.renames = renames;
	assert_fails("/src", EINVAL, "",
		"archive/tar: cannot encode header: filename may not have trailing slash");
}

static void a_stream_that_takes_no_more_ends_it(void **state)
{
	const struct packer_options options = {
		.root_fd = scratch.rootfs_fd,
		.source = "/src",
		.stream_fd = open("/dev/full", O_WRONLY | O_CLOEXEC),
		.storage = &storage,
		.warn = take_warning,
	};
	struct packer *packer;

	(void)state;
	assert_int_equal(packer_open(&options, &packer, &err), 0);
	assert_int_equal(packer_run(packer, &err), -ENOSPC);
	assert_string_equal(err.op, "write");
	packer_close(&packer);
	assert_null(packer);
	packer_close(&packer);
	close(options.stream_fd);
}

struct slow_pack {
	pthread_t thread;
	int stream_fds[2];
	struct oakum_error err;
	int result;
};

static void *pack_slowly(void *context)
{
	struct slow_pack *slow = context;
	const struct packer_options options = {
		.root_fd = scratch.rootfs_fd,
		.source = "/src",
		.stream_fd = slow->stream_fds[1],
		.storage = &storage,
		.warn = take_warning,
	};
	struct packer *packer;

	slow->result = packer_open(&options, &packer, &slow->err);
	if (slow->result == 0)
		slow->result = packer_run(packer, &slow->err);
	packer_close(&packer);
	close(slow->stream_fds[1]);
	return NULL;
}

/* A file that has another size as soon as its header was read. */
static void pack_and_resize(off_t bytes, off_t bytes_then, struct slow_pack *slow)
{
	char buffer[64 << 10];

	make_file("src/f", "");
	int fd = openat(scratch.rootfs_fd, "src/f", O_WRONLY | O_CLOEXEC);
	assert_int_equal(ftruncate(fd, bytes), 0);
	assert_int_equal(pipe2(slow->stream_fds, O_CLOEXEC), 0);
	assert_int_equal(pthread_create(&slow->thread, NULL, pack_slowly, slow), 0);
	assert_int_equal(read(slow->stream_fds[0], buffer, 1), 1);
	assert_int_equal(ftruncate(fd, bytes_then), 0);
	close(fd);
	while (read(slow->stream_fds[0], buffer, sizeof(buffer)) > 0)
		;
	assert_int_equal(pthread_join(slow->thread, NULL), 0);
	close(slow->stream_fds[0]);
}

static void a_file_that_shrinks_meanwhile_ends_it(void **state)
{
	struct slow_pack slow;

	(void)state;
	pack_and_resize(8 << 20, 2 << 20, &slow);
	assert_int_equal(slow.result, -EIO);
	assert_string_equal(slow.err.op, "");
	assert_string_equal(slow.err.detail, "archive/tar: missed writing 6291456 bytes");
}

static void a_file_that_grows_meanwhile_ends_it(void **state)
{
	struct slow_pack slow;

	(void)state;
	pack_and_resize(8 << 20, 9 << 20, &slow);
	assert_int_equal(slow.result, -EIO);
	assert_string_equal(slow.err.detail, "archive/tar: write too long");
}

/* --- behind the walls --- */

/* Nothing of this may be possible to a packer that is somebody else's by now. */
static bool can_write(int root_fd)
{
	return openat(root_fd, "src/new", O_WRONLY | O_CREAT | O_CLOEXEC, 0644) >= 0 ||
	       openat(root_fd, "src/f", O_WRONLY | O_CLOEXEC) >= 0 ||
#ifndef OAKUM_SANITIZED
	       fchmodat(root_fd, "src/f", 0777, 0) == 0 ||
#endif
	       mkdirat(root_fd, "src/new", 0755) == 0 || unlinkat(root_fd, "src/f", 0) == 0;
}

static int pack_in_jail(int stream_fd)
{
	struct packer_options options = {
		.root_fd = scratch.rootfs_fd,
		.source = "/src",
		.stream_fd = stream_fd,
		.storage = &storage,
		.warn = take_warning,
	};
	const int keep[] = { 2, scratch.rootfs_fd, stream_fd };
	const struct jail jail = {
		.role = ROLE_PACKER,
		.keep_fds = keep,
		.keep_count = 3,
		.rootfs_fd = scratch.rootfs_fd,
	};
	struct jail_result result;
	struct packer *packer;

	if (packer_open(&options, &packer, &err) < 0 || jail_enter(&jail, &result, &err) < 0 ||
		jail_seal(ROLE_PACKER, &result.walls, &err) < 0)
		return 1;
	options.root_fd = result.root_fd;
	if (packer_run(packer, &err) < 0)
		return 2;
	packer_close(&packer);
	uint32_t denied;
	uint32_t first;
	jail_denied_calls(&denied, &first);
	if (denied > 0)
		return 3;
	return can_write(result.root_fd) ? 4 : 0;
}

static void behind_its_walls_it_reads_what_belongs_to_others_and_writes_nothing(void **state)
{
	char found[256];
	int status;
	int stream_fd = memfd_create("stream", MFD_CLOEXEC);

	(void)state;
	make_directory("src/closed");
	make_file("src/closed/f", "content");
	make_file("src/f", "content");
	set_attribute("src/f", "user.a", "1");
	make_link("src/l", "f");
	assert_int_equal(fchmodat(scratch.rootfs_fd, "src/f", 0, 0), 0);
	assert_int_equal(fchownat(scratch.rootfs_fd, "src/f", 1000, 1000, 0), 0);
	assert_int_equal(fchmodat(scratch.rootfs_fd, "src/closed", 0, 0), 0);
	assert_int_equal(fchownat(scratch.rootfs_fd, "src/closed", 1000, 1000, 0), 0);
	storage.compression = STORAGE_COMPRESSION_NONE;
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(pack_in_jail(stream_fd));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	stream = malloc(64 << 10);
	assert_non_null(stream);
	stream_length = (size_t)pread(stream_fd, stream, 64 << 10, 0);
	close(stream_fd);
	list(found, sizeof(found));
	assert_string_equal(found, "5 closed/\n0 closed/f\n0 f\n2 l -> f\n");
	assert_true(has_record("25 SCHILY.xattr.user.a=1\n"));
}

int main(void)
{
#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		IN_SCRATCH(
			names_come_in_the_order_of_their_bytes_and_directories_before_what_is_in_them),
		IN_SCRATCH(an_empty_directory_is_an_empty_archive),
		IN_SCRATCH(the_source_itself_comes_when_it_is_asked_for),
		IN_SCRATCH(a_name_may_have_255_bytes),
		IN_SCRATCH(a_tree_may_be_5000_levels_deep),
		IN_SCRATCH(every_type_has_its_header),
		IN_SCRATCH(a_socket_is_left_out_with_a_word),
		IN_SCRATCH(a_file_of_several_names_is_a_hard_link_to_the_first),
		IN_SCRATCH(hard_links_are_found_among_thousands),
		IN_SCRATCH(user_attributes_and_capabilities_are_packed_and_no_others),
		IN_SCRATCH(a_symlink_s_target_lends_it_no_attributes),
		IN_SCRATCH(owners_are_those_of_the_container_and_who_has_none_is_left_out),
		IN_SCRATCH(an_owner_of_everything_is_not_mapped),
		IN_SCRATCH(times_have_no_fraction_but_in_a_copy_pass),
		IN_SCRATCH(a_timestamp_is_the_time_of_everything),
		IN_SCRATCH(includes_are_walked_in_their_order_and_nothing_comes_twice),
		IN_SCRATCH(an_include_that_ends_with_a_slash_follows_a_symlink),
		IN_SCRATCH(no_include_leads_out_of_the_root),
		IN_SCRATCH(an_include_is_renamed_where_it_first_occurs),
		IN_SCRATCH(what_is_excluded_is_left_out_with_all_below_but_for_exceptions),
		IN_SCRATCH(what_is_included_by_name_is_not_excluded),
		IN_SCRATCH(a_source_that_is_no_directory_is_an_archive_of_itself),
		IN_SCRATCH(a_device_0_0_is_a_whiteout_when_overlay_is_converted),
		IN_SCRATCH(the_stream_can_be_gzip),
		IN_SCRATCH(the_stream_can_be_zstd),
		IN_SCRATCH(a_large_stream_is_whole_in_every_compression),
		IN_SCRATCH(what_cannot_be_done_is_said_as_the_go_helper_says_it),
		IN_SCRATCH(a_source_that_is_not_there_is_an_empty_archive),
		IN_SCRATCH(a_name_that_cannot_be_written_ends_it),
		IN_SCRATCH(a_stream_that_takes_no_more_ends_it),
		IN_SCRATCH(a_file_that_shrinks_meanwhile_ends_it),
		IN_SCRATCH(a_file_that_grows_meanwhile_ends_it),
		IN_SCRATCH(behind_its_walls_it_reads_what_belongs_to_others_and_writes_nothing),
	};

	/* A live ext4 takes seconds to make again what was removed just now. */
	if (access("/dev/shm", W_OK) == 0)
		setenv("TMPDIR", "/dev/shm", 0);
	if (geteuid() != 0) {
		print_message("skipped: owners, devices and the walls need root\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
