/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs: options -> request -> start; progress, cancel, wait; the errno funnel. */
#include "base/cancel.h"
#include "base/cleanup.h"
#include "base/deadline.h"
#include "base/error.h"
#include "base/hint.h"
#include "base/progress.h"
#include "base/sys.h"
#include "host/child.h"
#include "host/drain.h"
#include "host/user_namespace.h"
#include "host/wait.h"
#include "wire/request.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <time.h>

struct oakum_job {
	/* set before the caller has it, then constant */
	int layer_fd; /* the caller's */
	int64_t deadline;
	int64_t started;
	uint64_t layer_total_bytes;
	struct drain drain;
	struct oakum_error of_maps; /* why the ids could not be mapped; .code == 0: they were */

	/* of a job that was started, not of a call that blocks; then constant */
	int poll_fd;   /* an epoll of the monitor's pidfd and the timer */
	int timer_fd;  /* -1 without a deadline */
	int cancel_fd; /* an eventfd, for who drains */
	const struct progress *progress;

	/* of any thread that looks or cancels */
	atomic_bool was_cancelled;
	atomic_uint visitors; /* threads that are at it */
	pthread_mutex_t visit_lock;
	bool is_over; /* guarded by visit_lock: the descriptors are closed, and may be others' */

	struct child child; /* of the thread that waits */
};

/* What oakum.h promises; a caller can switch on these without fear. */
static const int promised_codes[] = {
	EINVAL,
	EBADMSG,
	EFBIG,
	ENOSPC,
	EDQUOT,
	EROFS,
	EPERM,
	EACCES,
	EOPNOTSUPP,
	ENOMEM,
	ECANCELED,
	ETIMEDOUT,
	EPIPE,
	E2BIG,
	EBUSY,
	EIO,
};

static bool is_promised(int code)
{
	for (size_t i = 0; i < sizeof(promised_codes) / sizeof(promised_codes[0]); i++) {
		if (code == promised_codes[i])
			return true;
	}
	return false;
}

/* Everything else becomes EIO, with the original kept in the text; then what to do about it. */
static int funnel(struct oakum_error *err)
{
	const char *hint = hint_find(err);

	if (!is_promised(err->code)) {
		hint_add(err, error_reason(err->code));
		err->code = EIO;
	}
	if (hint != NULL)
		hint_add(err, hint);
	return -err->code;
}

static bool can_be(int fd, int unwanted_mode)
{
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && (flags & O_PATH) == 0 && (flags & O_ACCMODE) != unwanted_mode;
}

/* Which of its descriptors an operation needs. */
static const struct {
	bool has_layer;
	bool has_rootfs;
	bool has_output;
} needs[] = {
	[REQUEST_UNPACK] = { .has_layer = true, .has_rootfs = true },
	[REQUEST_DECOMPRESS] = { .has_layer = true, .has_output = true },
	[REQUEST_PACK] = { .has_rootfs = true, .has_output = true },
	[REQUEST_LIST] = { .has_layer = true, .has_output = true },
	[REQUEST_VERIFY] = { .has_layer = true, .has_rootfs = true, .has_output = true },
};

static int check_layer(int layer_fd, struct oakum_error *err)
{
	struct stat status;

	if (!can_be(layer_fd, O_WRONLY))
		return fail_because(
			err, EINVAL, "check layer", NULL, "descriptor %d cannot be read", layer_fd);
	if (fstat(layer_fd, &status) < 0 || S_ISDIR(status.st_mode))
		return fail_because(err, EINVAL, "check layer", NULL, "it is a directory");
	return 0;
}

static int check_descriptors(const struct child_spec *spec, struct oakum_error *err)
{
	struct stat status;
	int r = needs[spec->operation].has_layer ? check_layer(spec->layer_fd, err) : 0;

	if (r < 0)
		return r;
	if (needs[spec->operation].has_rootfs &&
		(fstat(spec->rootfs_fd, &status) < 0 || !S_ISDIR(status.st_mode)))
		return fail_because(err, EINVAL, "check rootfs", NULL,
			"descriptor %d is not a directory", spec->rootfs_fd);
	if (needs[spec->operation].has_output && !can_be(spec->output_fd, O_RDONLY))
		return fail_because(err, EINVAL, "check output", NULL,
			"descriptor %d cannot be written to", spec->output_fd);
	return 0;
}

/* --- start --- */

static void close_job(struct oakum_job *job)
{
	child_close(&job->child);
	close_fd(&job->poll_fd);
	close_fd(&job->timer_fd);
	close_fd(&job->cancel_fd);
	progress_unmap(job->progress);
}

static uint64_t bytes_left(int layer_fd)
{
	struct stat status;
	off_t at = lseek(layer_fd, 0, SEEK_CUR);

	if (fstat(layer_fd, &status) < 0 || !S_ISREG(status.st_mode) || at < 0 ||
		at > status.st_size)
		return 0;
	return (uint64_t)(status.st_size - at);
}

static int open_timer(struct oakum_job *job, struct oakum_error *err)
{
	const int64_t end = wait_answer_deadline(job->deadline);
	const struct itimerspec at = {
		.it_value.tv_sec = end / 1000,
		.it_value.tv_nsec = end % 1000 * 1000000,
	};

	if (end < 0)
		return 0;
	job->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (job->timer_fd < 0 || timerfd_settime(job->timer_fd, TFD_TIMER_ABSTIME, &at, NULL) < 0)
		return fail(err, errno, "timerfd", NULL);
	return 0;
}

/* Before the process is there, so that nothing can fail once it is. */
static int open_async(struct oakum_job *job, int *progress_fd, struct oakum_error *err)
{
	job->layer_total_bytes = bytes_left(job->layer_fd);
	*progress_fd = progress_make(&job->progress);
	if (*progress_fd < 0)
		return fail(err, -*progress_fd, "make progress page", NULL);
	job->cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (job->cancel_fd < 0)
		return fail(err, errno, "eventfd", NULL);
	job->drain.cancel_fd = job->cancel_fd;
	job->poll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (job->poll_fd < 0)
		return fail(err, errno, "epoll_create1", NULL);
	return open_timer(job, err);
}

static int watch(struct oakum_job *job, int fd, struct oakum_error *err)
{
	struct epoll_event event = { .events = EPOLLIN };

	if (fd < 0 || epoll_ctl(job->poll_fd, EPOLL_CTL_ADD, fd, &event) == 0)
		return 0;
	/* ENOSPC would be taken for the rootfs's. */
	return fail_because(err, errno == ENOSPC ? ENOMEM : errno, "epoll_ctl", NULL,
		"see fs.epoll.max_user_watches in epoll(7)");
}

/* The process is there: what fails now has to end it. */
static int watch_ends(struct oakum_job *job, struct oakum_error *err)
{
	int r = watch(job, job->child.entry.pidfd, err);

	if (r == 0)
		r = watch(job, job->timer_fd, err);
	if (r == 0)
		return 0;
	struct report unread;
	struct oakum_error of_wait;
	const struct wait_terms until_dead = { .deadline = -1 };
	(void)sys_pidfd_send_signal(job->child.entry.pidfd, SIGKILL);
	(void)wait_for_record(&job->child, &until_dead, &unread, &of_wait);
	return r;
}

static int start_child(struct oakum_job *job, struct child_spec *spec,
	const struct request *request, struct oakum_error *err)
{
	cleanup_free char *text = NULL;
	int r = request_write(request, &text, &spec->request_bytes, err);

	if (r < 0)
		return r;
	spec->request = text;
	return child_start(spec, &job->child, err);
}

/* What a caller asks for: one of the two is NULL, and both are where it asks for nothing. */
struct wish {
	const struct oakum_unpack_options *unpack;
	const struct oakum_pack_options *pack;
};

static int make_request(enum request_operation operation, const struct wish *wish,
	struct request *request, struct oakum_error *err)
{
	int r;

	if (operation == REQUEST_PACK)
		r = request_from_pack_options(wish->pack, request, err);
	else
		r = request_from_options(wish->unpack, request, err);
	if (r == 0)
		request->operation = operation;
	return r;
}

/* Everything but what a job has beyond a call that blocks. */
static int prepare(struct oakum_job *job, const struct wish *wish, const struct request *request,
	struct oakum_error *err)
{
	struct oakum_unpack_options ours;
	int r = request_copy_options(wish->unpack, &ours, err);

	if (r == 0)
		r = drain_init(&job->drain, &ours, err);
	if (r < 0)
		return r;
	job->started = deadline_now();
	job->deadline = deadline_from_now(request->limits.timeout_ms);
	job->drain.deadline = job->deadline;
	return 0;
}

static int start(struct oakum_job *job, struct child_spec *spec, const struct wish *wish,
	bool is_async, struct oakum_error *err)
{
	cleanup_user_namespace struct user_namespace space = { 0 };
	cleanup_fd int progress_fd = -1;
	struct request request;
	int r = make_request(spec->operation, wish, &request, err);

	if (r == 0)
		r = prepare(job, wish, &request, err);
	if (r == 0 && spec->rootfs_fd >= 0)
		r = user_namespace_resolve(&request, &space, err);
	else
		request.user_namespace = OAKUM_USER_NAMESPACE_NEVER;
	if (r == 0 && is_async)
		r = open_async(job, &progress_fd, err);
	spec->progress_fd = progress_fd;
	if (r == 0)
		r = start_child(job, spec, &request, err);
	if (r == 0 && is_async)
		r = watch_ends(job, err);
	if (r == 0 && space.needs_mapping)
		(void)staged(
			user_namespace_map(&job->child, &request, job->deadline, &job->of_maps),
			OAKUM_STAGE_SETUP, &job->of_maps);
	return r;
}

static int job_init(struct oakum_job *job, const struct child_spec *spec, struct oakum_error *err)
{
	*job = (struct oakum_job){
		.layer_fd = spec->layer_fd,
		.poll_fd = -1,
		.timer_fd = -1,
		.cancel_fd = -1,
	};
	pthread_mutex_init(&job->visit_lock, NULL);
	child_init(&job->child);
	return check_descriptors(spec, err);
}

/* On failure nothing of the job is left. */
static int job_start(struct oakum_job *job, struct child_spec *spec, const struct wish *wish,
	bool is_async, struct oakum_error *err)
{
	int r = job_init(job, spec, err);

	if (r == 0)
		r = start(job, spec, wish, is_async, err);
	if (r == 0)
		return 0;
	staged(r, OAKUM_STAGE_SETUP, err);
	close_job(job);
	return funnel(err);
}

static int start_new(struct child_spec *spec, const struct wish *wish, struct oakum_job **job,
	struct oakum_error *err)
{
	cleanup_free struct oakum_job *new = calloc(1, sizeof(*new));

	if (new == NULL)
		return staged(fail(err, ENOMEM, "start", NULL), OAKUM_STAGE_SETUP, err);
	cleanup_cancel int cancel_state = cancel_forbid();
	int r = job_start(new, spec, wish, true, err);
	if (r < 0)
		return r;
	*job = steal_ptr(&new);
	return 0;
}

int oakum_unpack_start(int layer_fd, int rootfs_fd, const struct oakum_unpack_options *options,
	struct oakum_job **job, struct oakum_error *err)
{
	struct child_spec spec = {
		.operation = REQUEST_UNPACK,
		.layer_fd = layer_fd,
		.rootfs_fd = rootfs_fd,
		.output_fd = -1,
	};

	return start_new(&spec, &(struct wish){ .unpack = options }, job, err);
}

int oakum_decompress_start(int layer_fd, int tar_fd, const struct oakum_unpack_options *options,
	struct oakum_job **job, struct oakum_error *err)
{
	struct child_spec spec = {
		.operation = REQUEST_DECOMPRESS,
		.layer_fd = layer_fd,
		.rootfs_fd = -1,
		.output_fd = tar_fd,
	};

	return start_new(&spec, &(struct wish){ .unpack = options }, job, err);
}

int oakum_pack_start(int rootfs_fd, int tar_fd, const struct oakum_pack_options *options,
	struct oakum_job **job, struct oakum_error *err)
{
	struct child_spec spec = {
		.operation = REQUEST_PACK,
		.layer_fd = -1,
		.rootfs_fd = rootfs_fd,
		.output_fd = tar_fd,
	};

	return start_new(&spec, &(struct wish){ .pack = options }, job, err);
}

int oakum_list_start(int layer_fd, int text_fd, const struct oakum_unpack_options *options,
	struct oakum_job **job, struct oakum_error *err)
{
	struct child_spec spec = {
		.operation = REQUEST_LIST,
		.layer_fd = layer_fd,
		.rootfs_fd = -1,
		.output_fd = text_fd,
	};

	return start_new(&spec, &(struct wish){ .unpack = options }, job, err);
}

/* The one with three descriptors. NOLINTNEXTLINE(readability-function-size) */
int oakum_verify_start(int layer_fd, int rootfs_fd, int text_fd,
	const struct oakum_unpack_options *options, struct oakum_job **job, struct oakum_error *err)
{
	struct child_spec spec = {
		.operation = REQUEST_VERIFY,
		.layer_fd = layer_fd,
		.rootfs_fd = rootfs_fd,
		.output_fd = text_fd,
	};

	return start_new(&spec, &(struct wish){ .unpack = options }, job, err);
}

/* --- while it runs --- */

int oakum_job_pollfd(const struct oakum_job *job)
{
	return job->poll_fd;
}

static uint64_t look_at(const _Atomic(uint64_t) *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

/*
 * Whoever looks or cancels while another thread waits: as long as one is at it nothing of the
 * job goes away, and once it is going they find that out. With signals blocked, for a handler may
 * cancel too.
 */
static bool visit_begin(struct oakum_job *job, sigset_t *before)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, before);
	atomic_fetch_add(&job->visitors, 1);
	pthread_mutex_lock(&job->visit_lock);
	return !job->is_over;
}

static void visit_end(struct oakum_job *job, const sigset_t *before)
{
	pthread_mutex_unlock(&job->visit_lock);
	atomic_fetch_sub(&job->visitors, 1);
	pthread_sigmask(SIG_SETMASK, before, NULL);
}

/* From here on nobody comes any more; who is there is waited for. */
static void end_visits(struct oakum_job *job)
{
	const struct timespec moment = { .tv_nsec = 50000 };
	sigset_t before;

	(void)visit_begin(job, &before);
	job->is_over = true;
	visit_end(job, &before);
	while (atomic_load(&job->visitors) > 0)
		(void)nanosleep(&moment, NULL);
	pthread_mutex_destroy(&job->visit_lock);
}

static void look(const struct oakum_job *job, struct oakum_progress *progress)
{
	struct oakum_progress ours = {
		.size = progress->size,
		.layer_bytes = look_at(&job->progress->layer_bytes),
		.layer_total_bytes = job->layer_total_bytes,
		.stream_bytes = look_at(&job->progress->stream_bytes),
		.entries = look_at(&job->progress->entries),
		.content_bytes = look_at(&job->progress->content_bytes),
		.elapsed_ms = (uint64_t)(deadline_now() - job->started),
	};

	memcpy(progress, &ours, progress->size < sizeof(ours) ? progress->size : sizeof(ours));
}

int oakum_job_progress(struct oakum_job *job, struct oakum_progress *progress)
{
	sigset_t before;

	if (progress->size < sizeof(progress->size))
		return -EINVAL;
	bool is_there = visit_begin(job, &before);
	if (is_there)
		look(job, progress);
	visit_end(job, &before);
	return is_there ? 0 : -ECANCELED;
}

/*
 * The flag first: whoever finds the monitor dead then knows why. The lock, for a number
 * that has just been closed may be another process by now.
 */
void oakum_job_cancel(struct oakum_job *job)
{
	sigset_t before;

	if (visit_begin(job, &before)) {
		atomic_store(&job->was_cancelled, true);
		(void)sys_pidfd_send_signal(job->child.entry.pidfd, SIGKILL);
		(void)eventfd_write(job->cancel_fd, 1);
	}
	visit_end(job, &before);
}

/* --- its end --- */

static void give_stats(
	const struct report *record, const struct child *child, struct oakum_stats *stats)
{
	struct oakum_stats ours = record->stats;
	size_t bytes = stats->size < sizeof(ours) ? stats->size : sizeof(ours);

	ours.size = stats->size;
	if (child->has_pid_namespace)
		ours.walls |= OAKUM_WALL_PID_NAMESPACE;
	memcpy(stats, &ours, bytes);
}

static int job_result(struct oakum_job *job, struct report *record, struct oakum_error *err)
{
	const struct wait_terms terms = {
		.deadline = job->deadline,
		.was_cancelled = &job->was_cancelled,
	};
	int r = wait_for_record(&job->child, &terms, record, err);

	if (r == 0 && record->result < 0) {
		*err = record->error;
		r = record->result;
	}
	if (job->of_maps.code != 0) { /* why the child failed as well */
		*err = job->of_maps;
		r = -err->code;
	}
	return r;
}

static int job_end(struct oakum_job *job, struct oakum_stats *stats, struct oakum_error *err)
{
	struct report record;
	int r = job_result(job, &record, err);

	if (r == 0 && stats != NULL)
		give_stats(&record, &job->child, stats);
	if (r < 0) {
		drain_input(job->layer_fd, &job->drain, err);
		r = funnel(err);
	}
	end_visits(job);
	close_job(job);
	return r;
}

int oakum_job_wait(struct oakum_job **job, struct oakum_stats *stats, struct oakum_error *err)
{
	if (*job == NULL)
		return staged(fail(err, EINVAL, "wait", NULL), OAKUM_STAGE_SETUP, err);
	/* At the end, for others may cancel by this very pointer until then. */
	cleanup_cancel int cancel_state = cancel_forbid();
	int r = job_end(*job, stats, err);
	free(*job);
	*job = NULL;
	return r;
}

/* The same without a handle: nobody can look on or cancel, so nothing for that is made. */
int oakum_unpack(int layer_fd, int rootfs_fd, const struct oakum_unpack_options *options,
	struct oakum_stats *stats, struct oakum_error *err)
{
	struct child_spec spec = {
		.operation = REQUEST_UNPACK,
		.layer_fd = layer_fd,
		.rootfs_fd = rootfs_fd,
		.output_fd = -1,
	};
	struct oakum_job job;
	cleanup_cancel int cancel_state = cancel_forbid();
	int r = job_start(&job, &spec, &(struct wish){ .unpack = options }, false, err);

	if (r == 0)
		r = job_end(&job, stats, err);
	return r;
}
