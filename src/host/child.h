/* SPDX-License-Identifier: Apache-2.0 */
/* Starts the helper: clone, everything reset, exec of a descriptor. */
#ifndef OAKUM_HOST_CHILD_H
#define OAKUM_HOST_CHILD_H

#include "host/reaper.h"
#include "wire/heirs.h"
#include "wire/request.h"

#include <oakum/oakum.h>
#include <stdbool.h>
#include <sys/types.h>

/* What the child gets; all borrowed. */
struct child_spec {
	enum request_operation operation;
	int layer_fd;	     /* -1: there is none */
	int rootfs_fd;	     /* -1: there is none */
	int output_fd;	     /* what the last of the chain writes to; -1: nothing is written */
	int progress_fd;     /* -1: nobody looks on */
	const char *request; /* the text that it reads from its descriptor 3 */
	size_t request_bytes;
};

/* Registered with the reaper by its address: it must not move until it is collected. */
struct child {
	struct reaper_entry entry; /* .pidfd is the one handle to wait and to kill by */
	int report_fd;		   /* its record comes here */
	int heir_pidfds[HEIRS_MAX];
	bool has_all_heirs;
	int reserved_fds[HEIRS_MAX]; /* their room, until they come */
	bool has_pid_namespace;	     /* then the kernel ends its children with it */
};

/* No process, and no descriptor: what child_close() may be called with. */
void child_init(struct child *child);

/*
 * Starts the monitor. The descriptors in *child are the caller's, to be ended
 * with child_close(). A failed exec is known here. Nothing of the calling
 * process is changed; other threads go on meanwhile.
 */
int child_start(const struct child_spec *spec, struct child *child, struct oakum_error *err);

/*
 * Starts a program of the system by its absolute path, with an empty environment and
 * nothing open but /dev/null. *child has its entry alone.
 */
int child_start_tool(
	const char *path, char *const argv[], struct child *child, struct oakum_error *err);

/* Is it dead by now? */
bool child_is_dead(const struct child *child);

/* Makes room for the pidfds of its children, which come next. */
void child_release_reserve(struct child *child);

/* Closes the descriptors; the process must have been waited for. */
void child_close(struct child *child);

#endif
