/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xz (the .xz file format 1.1): any number of streams, padding between and after them.
 * What has blocks of a known size is decoded by several threads.
 */
#include "base/error.h"
#include "decompressor/codec.h"

#include <errno.h>
#include <lzma.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

/*
 * What liblzma counts beside the dictionary: 65,592 bytes, and at most 3072 for
 * the filters in front. Kept close, so that the ceiling is the dictionary's.
 */
enum { OVERHEAD_BYTES = 68 << 10 };

/* Blocks that are being decoded; where more would be needed liblzma uses fewer threads. */
static const uint64_t threaded_bytes = 96 << 20;

/* --- the threads --- */

/*
 * liblzma starts a thread when it comes to the first block that needs one, when none may be
 * started any more. So they are started as soon as the layer is known to be xz, and wait; what it
 * takes for a start and a join, by names that the linker gives to what is below, is work for one of
 * them. They wait in read(2), which every list allows: a lock would ask for more.
 */
struct job {
	pthread_t handle; /* by which liblzma knows it; constant */
	/* guarded by the lock of the crew */
	void *(*run)(void *argument); /* NULL: nothing is asked for, or it is done */
	void *argument;
	bool is_begun;
};

enum { JOBS_MAX = 16 };

static struct crew {
	/* set before the decoder starts, then constant */
	unsigned int count; /* of threads, and of jobs that they can do at once */
	int wake_fd;	    /* a semaphore: one more for each job */

	atomic_uint born_count;

	/* guarded by lock */
	pthread_mutex_t lock;
	pthread_cond_t has_changed;
	struct job jobs[JOBS_MAX];
} crew = {
	.wake_fd = -1,
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.has_changed = PTHREAD_COND_INITIALIZER,
};

/* In the thread that decodes: whatever it starts is for the crew. */
static _Thread_local bool is_decoding;

static struct job *begin_job(void)
{
	struct job *begun = NULL;

	pthread_mutex_lock(&crew.lock);
	for (unsigned int i = 0; begun == NULL && i < crew.count; i++) {
		struct job *job = &crew.jobs[i];
		if (job->run == NULL || job->is_begun)
			continue;
		job->is_begun = true;
		begun = job;
	}
	pthread_mutex_unlock(&crew.lock);
	return begun;
}

static void end_job(struct job *job)
{
	pthread_mutex_lock(&crew.lock);
	job->run = NULL;
	job->is_begun = false;
	pthread_cond_broadcast(&crew.has_changed);
	pthread_mutex_unlock(&crew.lock);
}

static void *work(void *unused)
{
	uint64_t one;

	(void)unused;
	atomic_fetch_add(&crew.born_count, 1);
	while (read(crew.wake_fd, &one, sizeof(one)) == sizeof(one)) {
		struct job *job = begin_job();
		if (job == NULL)
			continue;
		job->run(job->argument);
		end_job(job);
	}
	return NULL;
}

int __real_pthread_create(
	pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument);
int __real_pthread_join(pthread_t thread, void **result);
int __wrap_pthread_create(
	pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument);
int __wrap_pthread_join(pthread_t thread, void **result);

int __wrap_pthread_create(
	pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument)
{
	const uint64_t one = 1;
	int r = EAGAIN;

	if (!is_decoding)
		return __real_pthread_create(thread, attributes, run, argument);
	pthread_mutex_lock(&crew.lock);
	for (unsigned int i = 0; r != 0 && i < crew.count; i++) {
		struct job *job = &crew.jobs[i];
		if (job->run != NULL)
			continue;
		if (write(crew.wake_fd, &one, sizeof(one)) < 0)
			break;
		*job = (struct job){ .handle = job->handle, .run = run, .argument = argument };
		*thread = job->handle;
		r = 0;
	}
	pthread_mutex_unlock(&crew.lock);
	return r;
}

int __wrap_pthread_join(pthread_t thread, void **result)
{
	if (!is_decoding)
		return __real_pthread_join(thread, result);
	pthread_mutex_lock(&crew.lock);
	for (unsigned int i = 0; i < crew.count; i++) {
		const struct job *job = &crew.jobs[i];
		while (pthread_equal(job->handle, thread) != 0 && job->run != NULL)
			pthread_cond_wait(&crew.has_changed, &crew.lock);
	}
	pthread_mutex_unlock(&crew.lock);
	return 0;
}

/* Nobody ends it: it goes with the process. */
static int start_one(pthread_t *handle)
{
	int code = pthread_create(handle, NULL, work, NULL);

	return code == 0 ? pthread_detach(*handle) : code;
}

int codec_xz_start_threads(unsigned int count, struct oakum_error *err)
{
	if (crew.wake_fd < 0)
		crew.wake_fd = eventfd(0, EFD_SEMAPHORE | EFD_CLOEXEC);
	if (crew.wake_fd < 0)
		return fail(err, errno, "eventfd", NULL);
	for (; crew.count < count && crew.count < JOBS_MAX; crew.count++) {
		int code = start_one(&crew.jobs[crew.count].handle);
		if (code == EAGAIN) /* RLIMIT_NPROC: those that there are do it, or none */
			break;
		if (code != 0)
			return fail(err, code, "pthread_create", NULL);
	}
	/* A thread is born with calls that seccomp will not allow: let them be over. */
	while (atomic_load(&crew.born_count) < crew.count)
		sched_yield();
	return 0;
}

/* --- the decoder --- */

/* Threads give back as well. */
struct memory {
	struct arena *arena;
	pthread_mutex_t lock;
};

static void *take(void *opaque, size_t count, size_t bytes)
{
	struct memory *memory = opaque;
	void *taken = NULL;

	pthread_mutex_lock(&memory->lock);
	if (count == 0 || bytes <= SIZE_MAX / count)
		taken = arena_take(memory->arena, count * bytes);
	pthread_mutex_unlock(&memory->lock);
	return taken;
}

static void give(void *opaque, void *taken)
{
	struct memory *memory = opaque;

	pthread_mutex_lock(&memory->lock);
	arena_give(memory->arena, taken);
	pthread_mutex_unlock(&memory->lock);
}

static int told(
	struct stream *stream, lzma_ret status, uint64_t max_window_bytes, struct oakum_error *err)
{
	switch ((int)status) {
	case LZMA_MEMLIMIT_ERROR:
		return stream_window_too_large(max_window_bytes, "xz", err);
	case LZMA_MEM_ERROR:
		return fail(err, ENOMEM, "xz", NULL);
	case LZMA_BUF_ERROR:
		return stream_cut_off(stream, "xz", err);
	case LZMA_UNSUPPORTED_CHECK:
		return stream_damaged(
			stream, "xz", "its checksum is of a kind not known here", err);
	case LZMA_OPTIONS_ERROR:
		return stream_damaged(stream, "xz", "it uses a filter not known here", err);
	default:
		return stream_damaged(stream, "xz",
			"the xz data is damaged, or something else follows its end", err);
	}
}

static int decode(struct stream *stream, lzma_stream *lzma, uint64_t max_window_bytes,
	struct oakum_error *err)
{
	lzma_ret status = LZMA_OK;

	while (status == LZMA_OK) {
		ssize_t have = stream_need(stream, 1, err);
		if (have < 0)
			return (int)have;
		int r = stream_open_out(stream, err);
		if (r < 0)
			return r;
		lzma->next_in = stream->in + stream->in_at;
		lzma->avail_in = (size_t)have;
		lzma->next_out = stream->out;
		lzma->avail_out = STREAM_OUT_BYTES;
		status = lzma_code(lzma, stream->in_ended ? LZMA_FINISH : LZMA_RUN);
		stream->in_at = stream->in_end - lzma->avail_in;
		r = stream_put(stream, STREAM_OUT_BYTES - lzma->avail_out, err);
		if (r < 0)
			return r;
	}
	return status == LZMA_STREAM_END ? 0 : told(stream, status, max_window_bytes, err);
}

/* Threads only where what they hold is no more than a window may be. */
static lzma_ret begin(lzma_stream *lzma, uint64_t max_window_bytes)
{
	const uint32_t flags = LZMA_CONCATENATED | LZMA_TELL_UNSUPPORTED_CHECK;
	uint64_t limit = max_window_bytes > UINT64_MAX - OVERHEAD_BYTES
				 ? UINT64_MAX
				 : max_window_bytes + OVERHEAD_BYTES;
	const lzma_mt options = {
		.flags = flags,
		.threads = crew.count,
		.memlimit_threading = threaded_bytes,
		.memlimit_stop = limit,
	};

	if (crew.count == 0 || max_window_bytes < threaded_bytes)
		return lzma_stream_decoder(lzma, limit, flags);
	return lzma_stream_decoder_mt(lzma, &options);
}

static int decode_layer(struct stream *stream, struct arena *arena, uint64_t max_window_bytes,
	struct oakum_error *err)
{
	struct memory memory = { .arena = arena, .lock = PTHREAD_MUTEX_INITIALIZER };
	const lzma_allocator allocator = { .alloc = take, .free = give, .opaque = &memory };
	lzma_stream lzma = LZMA_STREAM_INIT;
	int r;

	is_decoding = true;
	lzma.allocator = &allocator;
	if (begin(&lzma, max_window_bytes) == LZMA_OK)
		r = decode(stream, &lzma, max_window_bytes, err);
	else
		r = fail(err, ENOMEM, "xz", NULL);
	lzma_end(&lzma);
	is_decoding = false;
	return r;
}

const struct codec codec_xz = {
	.id = OAKUM_COMPRESSION_XZ,
	.name = "xz",
	.engine = OAKUM_ENGINE_LIBLZMA,
	.decode = decode_layer,
};
