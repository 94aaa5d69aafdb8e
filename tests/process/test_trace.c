/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A trace of an unpack: after the root switch nothing is opened that the layer
 * did not name, whatever lies in the rootfs to be found, and nothing is mapped
 * to be executed.
 */
#include "support/scratch.h"
#include "support/tarball.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* As strace(1) spells them: bytes outside ASCII in octal. */
static const char *const named[] = {
	"",
	".",
	"/",
	"utf8",
	"\\303\\244-name",
	"not-\\377-utf8",
	"link",
	"plain",
	"etc",
	"passwd",
};

static const struct member layer[] = {
	directory("utf8"),
	pax("path=utf8/\xc3\xa4-name", "uname=J\xc3\xb6rg", "gname=\xff\xfe"),
	file("a", "b"),
	pax("path=utf8/not-\xff-utf8"),
	file("a", "b"),
	pax("linkpath=utf8/\xc3\xa4-name"),
	symlink_to("link", "x"),
	file("plain", "c", .uid = 12345, .gid = 12345),
	file("etc/passwd", "root:x:0:0:::\n"),
	END,
};

/* What a process that knows no better would load from a root like this. */
static const char *const traps[] = {
	"etc/ld.so.cache",
	"etc/ld.so.preload",
	"etc/nsswitch.conf",
	"etc/localtime",
	"usr/lib/x86_64-linux-gnu/gconv/gconv-modules.cache",
	"usr/lib/x86_64-linux-gnu/gconv/gconv-modules",
	"usr/lib/locale/locale-archive",
	"lib/x86_64-linux-gnu/libnss_files.so.2",
	"lib/x86_64-linux-gnu/libc.so.6",
};

static void lay_traps(const struct scratch *scratch)
{
	for (size_t i = 0; i < sizeof(traps) / sizeof(traps[0]); i++) {
		char path[256];
		snprintf(path, sizeof(path), "%s", traps[i]);
		for (char *slash = strchr(path, '/'); slash != NULL;
			slash = strchr(slash + 1, '/')) {
			*slash = '\0';
			(void)mkdirat(scratch->rootfs_fd, path, 0755);
			*slash = '/';
		}
		int fd = openat(scratch->rootfs_fd, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
		assert_true(fd >= 0);
		assert_int_equal(write(fd,
					 "\x7f"
					 "ELF",
					 4),
			4);
		close(fd);
	}
}

static void write_file(const char *path, const void *bytes, size_t length)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, length), (ssize_t)length);
	close(fd);
}

static void write_layer(const char *path)
{
	struct tarball tar = tarball_of(layer);

	write_file(path, tar.bytes, tar.length);
	tarball_free(&tar);
}

struct traced {
	char trace[512];
	char layer[512];
	char options[512];
	char rootfs[512];
};

enum { STRACE_ARGUMENTS = 9 };

static void run_under_strace(const struct traced *paths, char *const *command)
{
	char trace[512];
	char *arguments[32] = { "strace", "-f", "-qq", "-s", "4096", "-o", trace, "-e",
		"trace=%file,%desc,mmap,mprotect" };
	size_t count = STRACE_ARGUMENTS;

	snprintf(trace, sizeof(trace), "%s", paths->trace);
	while (*command != NULL)
		arguments[count++] = *command++;
	arguments[count] = NULL;
	execvp("strace", arguments);
	_exit(127);
}

static void wait_for_success(pid_t pid)
{
	int status;

	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void unpack_under_strace(struct traced *paths)
{
	char *const command[] = { OAKUM_COMMAND, "unpack", "--threads=2", "--digests", paths->layer,
		paths->rootfs, NULL };
	pid_t pid = fork();

	if (pid == 0)
		run_under_strace(paths, command);
	wait_for_success(pid);
}

static void hand_over(const char *path, int fd)
{
	int opened = open(path, fd == 1 ? O_WRONLY : O_RDONLY);

	if (opened < 0 || dup2(opened, fd) != fd)
		_exit(126);
	if (opened != fd)
		close(opened);
}

/* As a program with containers/storage would: the layer on fd 0, options on fd 3 or in OPT. */
static void untar_under_strace(struct traced *paths)
{
	char *const command[] = { OAKUM_HELPER, "storage-untar", "/", paths->rootfs, NULL };
	pid_t pid = fork();

	if (pid == 0) {
		hand_over(paths->layer, 0);
		hand_over(paths->options, 3);
		run_under_strace(paths, command);
	}
	wait_for_success(pid);
}

static void apply_layer_under_strace(struct traced *paths)
{
	char *const command[] = { OAKUM_HELPER, "storage-applyLayer", paths->rootfs, NULL };
	pid_t pid = fork();

	if (pid == 0) {
		hand_over(paths->layer, 0);
		hand_over("/dev/null", 1);
		setenv("OPT", "{}", 1);
		run_under_strace(paths, command);
	}
	wait_for_success(pid);
}

/* The tree is of the layer and holds the traps too, which nothing is asked of. */
static void tar_under_strace(struct traced *paths)
{
	static const char without_traps[] = "{\"ExcludePatterns\":[\"etc\",\"lib\",\"usr\"]}";
	char *const command[] = { OAKUM_HELPER, "storage-tar", "/", paths->rootfs, NULL };

	untar_under_strace(paths);
	write_file(paths->options, without_traps, strlen(without_traps));
	pid_t pid = fork();
	if (pid == 0) {
		hand_over(paths->options, 0);
		hand_over("/dev/null", 1);
		run_under_strace(paths, command);
	}
	wait_for_success(pid);
}

static void pack_under_strace(struct traced *paths)
{
	char *const command[] = { OAKUM_COMMAND, "pack", "--compression=zstd", "--exclude=etc",
		"--exclude=lib", "--exclude=usr", paths->rootfs, paths->layer, NULL };

	untar_under_strace(paths);
	pid_t pid = fork();
	if (pid == 0)
		run_under_strace(paths, command);
	wait_for_success(pid);
}

/* The calls with a path in them start with the path after a descriptor, or at once. */
static bool takes_path(const char *call)
{
	static const char *const calls[] = { "open", "openat", "openat2", "stat", "lstat", "access",
		"faccessat", "faccessat2", "newfstatat", "statx", "readlink", "readlinkat",
		"execve", "execveat", "chdir", "statfs" };

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		size_t length = strlen(calls[i]);
		if (strncmp(call, calls[i], length) == 0 && call[length] == '(')
			return true;
	}
	return false;
}

/* Each component of the first quoted string of the call. */
static void check_path(const char *line, const char *call)
{
	const char *quote = strchr(call, '"');
	char path[4096];

	if (quote == NULL)
		return;
	size_t length = strcspn(quote + 1, "\"");
	assert_true(length < sizeof(path));
	memcpy(path, quote + 1, length);
	path[length] = '\0';
	for (char *rest = path, *part; (part = strsep(&rest, "/")) != NULL;) {
		bool is_named = false;
		for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++)
			is_named |= strcmp(part, named[i]) == 0;
		if (!is_named)
			fail_msg("not named by the layer: %s", line);
	}
}

/* The unpacker is who calls chroot(2); its threads are born after that, and nobody else is. */
static int check_trace(FILE *trace)
{
	char line[16384];
	int unpacker = -1;
	int checked = 0;

	while (fgets(line, sizeof(line), trace) != NULL) {
		char *call;
		int pid = (int)strtol(line, &call, 10);
		call += strspn(call, " ");
		assert_null(strstr(line, "openssl.cnf")); /* whatever computes digests */
		if (strncmp(call, "chroot(\".\"", 10) == 0)
			unpacker = pid;
		else if (unpacker >= 0 && pid >= unpacker && takes_path(call))
			check_path(line, call);
		else if (unpacker >= 0 && pid >= unpacker)
			assert_null(strstr(call, "PROT_EXEC"));
		checked += unpacker >= 0 && pid >= unpacker;
	}
	return checked;
}

static void check_traced(void (*unpack)(struct traced *paths))
{
	struct scratch scratch;
	struct traced paths;

	scratch_make(&scratch);
	lay_traps(&scratch);
	snprintf(paths.trace, sizeof(paths.trace), "%s/trace", scratch.path);
	snprintf(paths.layer, sizeof(paths.layer), "%s/layer.tar", scratch.path);
	snprintf(paths.options, sizeof(paths.options), "%s/options", scratch.path);
	snprintf(paths.rootfs, sizeof(paths.rootfs), "%s/rootfs", scratch.path);
	write_layer(paths.layer);
	write_file(paths.options, "{}", 2);
	unpack(&paths);
	FILE *file = fopen(paths.trace, "re");
	assert_non_null(file);
	assert_true(check_trace(file) > 20);
	fclose(file);
	assert_true(scratch_file_is(&scratch, "utf8/\xc3\xa4-name", "b"));
	assert_true(scratch_file_is(&scratch, "utf8/not-\xff-utf8", "b"));
	assert_true(scratch_file_is(&scratch, "plain", "c"));
	scratch_remove(&scratch);
}

static void after_the_root_switch_only_names_of_the_layer_are_opened(void **state)
{
	(void)state;
	check_traced(unpack_under_strace);
}

static void storage_untar_opens_only_names_of_the_layer_too(void **state)
{
	(void)state;
	check_traced(untar_under_strace);
}

static void and_so_does_storage_apply_layer(void **state)
{
	(void)state;
	check_traced(apply_layer_under_strace);
}

static void storage_tar_opens_only_names_that_it_packs(void **state)
{
	(void)state;
	check_traced(tar_under_strace);
}

static void packing_opens_only_names_that_it_packs(void **state)
{
	(void)state;
	check_traced(pack_under_strace);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(after_the_root_switch_only_names_of_the_layer_are_opened),
		cmocka_unit_test(storage_untar_opens_only_names_of_the_layer_too),
		cmocka_unit_test(and_so_does_storage_apply_layer),
		cmocka_unit_test(storage_tar_opens_only_names_that_it_packs),
		cmocka_unit_test(packing_opens_only_names_that_it_packs),
	};

	if (geteuid() != 0) {
		fprintf(stderr, "needs root\n");
		return getenv("CI") == NULL ? 77 : 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
