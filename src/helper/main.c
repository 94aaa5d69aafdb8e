/* SPDX-License-Identifier: Apache-2.0 */
/* The confined executable: argv[0] chooses a row of the personality table. */
#include "base/error.h"
#include "helper/child.h"
#include "helper/namespace.h"
#include "helper/request_read.h"
#include "helper/storage.h"
#include "monitor/monitor.h"
#include "wire/report.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

/* A broken pipe and a file over RLIMIT_FSIZE are errors to report, not deaths. */
static void ignore_deadly_signals(void)
{
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
}

static int report_failure(int r, struct oakum_error *err)
{
	struct report report;

	staged(r, OAKUM_STAGE_SETUP, err);
	report_init(&report, REPORT_FROM_MONITOR);
	report.result = -err->code;
	report.error = *err;
	report_send(FD_REPORT, &report);
	return 1;
}

/* The request is read while nothing hostile has spoken yet; jansson is not used after that. */
static int run_monitor(void)
{
	static struct request request;
	struct oakum_error err = { 0 };
	const struct child_work work = { .request = &request,
		.progress = progress_map(FD_PROGRESS) };
	struct chain chain = { .context = &work };
	int r;

	close(FD_PROGRESS);
	r = request_read(FD_REQUEST, &request, &err);
	close(FD_REQUEST);
	if (r == 0)
		r = namespace_enter(&request, &err);
	if (r < 0)
		return report_failure(r, &err);
	child_choose(&request, &chain);
	return monitor_run(&chain) < 0;
}

#ifdef OAKUM_SANITIZED
/* Looking for leaks at exit needs /proc and ptrace(2), which are behind the walls. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}

/* A process with threads would sleep a second before it exits. */
__attribute__((visibility("default"))) const char *__tsan_default_options(void);

const char *__tsan_default_options(void)
{
	return "atexit_sleep_ms=0";
}
#endif

static int run_as_monitor(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return run_monitor();
}

static const struct personality {
	const char *name;
	int (*run)(int argc, char **argv);
} personalities[] = {
	{ "oakum-monitor", run_as_monitor },
	{ "storage-untar", storage_untar },
	{ "storage-applyLayer", storage_apply_layer },
	{ "storage-tar", storage_tar },
};

static const struct personality *find_personality(const char *name)
{
	for (size_t i = 0; i < sizeof(personalities) / sizeof(personalities[0]); i++) {
		if (strcmp(name, personalities[i].name) == 0)
			return &personalities[i];
	}
	return NULL;
}

/* By the name that it was called by, or else by its first argument. */
int main(int argc, char **argv)
{
	const char *name = argc > 0 ? base_name(argv[0]) : "oakum-helper";
	const struct personality *personality = find_personality(name);

	ignore_deadly_signals();
	if (personality == NULL && argc > 1) {
		personality = find_personality(argv[1]);
		argc--;
		argv++;
	}
	if (personality != NULL)
		return personality->run(argc, argv);
	fprintf(stderr,
		"%s: this program is started by liboakum; to unpack a layer use: oakum unpack\n",
		name);
	return 2;
}
