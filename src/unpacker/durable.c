/* SPDX-License-Identifier: Apache-2.0 */
#include "unpacker/durable.h"

#include "base/cleanup.h"
#include "base/error.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
	WAITING_MAX = 112, /* files that wait in a batch; two batches and all else are below 512 */
	OTHER_FDS = 280,   /* files being filled, directories, and a few more */
	STEP_BYTES = 8 << 20, /* of a large file, sent on its way while it grows */
	PATH_BYTES_MAX = sizeof(((struct oakum_error *)NULL)->entry), /* its tail is shown */
};

/* A complete file whose content is on its way. */
struct waiting {
	int fd;
	char *path; /* for messages */
};

struct batch {
	struct waiting files[WAITING_MAX];
	size_t count;
};

struct durable {
	uint32_t sync; /* enum oakum_sync */
	size_t room;   /* of a batch */

	pthread_mutex_t flush_lock; /* one batch is flushed at a time; taken before lock */
	struct batch flushed;	    /* guarded by flush_lock */

	/* guarded by lock */
	pthread_mutex_t lock;
	struct batch batch;
};

/* A caller with fewer descriptors has smaller batches, which are slower and no less right. */
static size_t room_of_batch(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur <= OTHER_FDS + 2)
		return 1;
	size_t room = (limit.rlim_cur - OTHER_FDS) / 2;
	return room < WAITING_MAX ? room : WAITING_MAX;
}

int durable_new(uint32_t sync, struct durable **durable, struct oakum_error *err)
{
	*durable = NULL;
	if (sync == OAKUM_SYNC_NONE)
		return 0;
	struct durable *new = calloc(1, sizeof(*new));
	if (new == NULL)
		return fail(err, ENOMEM, "prepare sync", NULL);
	new->sync = sync;
	new->room = room_of_batch();
	pthread_mutex_init(&new->flush_lock, NULL);
	pthread_mutex_init(&new->lock, NULL);
	*durable = new;
	return 0;
}

static void drop(struct batch *batch)
{
	for (size_t i = 0; i < batch->count; i++) {
		close_fd(&batch->files[i].fd);
		free(batch->files[i].path);
	}
	batch->count = 0;
}

void durable_free(struct durable *durable)
{
	if (durable == NULL)
		return;
	drop(&durable->batch);
	pthread_mutex_destroy(&durable->flush_lock);
	pthread_mutex_destroy(&durable->lock);
	free(durable);
}

bool durable_has_directories(const struct durable *durable)
{
	return durable != NULL && durable->sync == OAKUM_SYNC_FULL;
}

static bool has_files(const struct durable *durable)
{
	return durable != NULL && durable->sync != OAKUM_SYNC_FS;
}

/* Only a start: what fails here is told by fsync(2). */
static void send_on_its_way(int fd, uint64_t offset, uint64_t length)
{
	(void)sync_file_range(fd, (off_t)offset, (off_t)length, SYNC_FILE_RANGE_WRITE);
}

void durable_wrote(const struct durable *durable, int fd, uint64_t offset, size_t length)
{
	const uint64_t step = (offset + length) / STEP_BYTES;

	if (has_files(durable) && step > offset / STEP_BYTES)
		send_on_its_way(fd, (step - 1) * STEP_BYTES, STEP_BYTES);
}

/* An error of writing is told once: by whichever call comes first. */
static int wait_for_content(const struct waiting *file, struct oakum_error *err)
{
	const unsigned int to_the_end =
		SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;

	if (sync_file_range(file->fd, 0, 0, to_the_end) < 0)
		return fail(err, errno, "sync_file_range", file->path);
	return 0;
}

static int flush_file(const struct durable *durable, struct waiting *file, struct oakum_error *err)
{
	const bool is_full = durable->sync == OAKUM_SYNC_FULL;
	int r = 0;

	if ((is_full ? fsync(file->fd) : fdatasync(file->fd)) < 0)
		r = fail(err, errno, is_full ? "fsync" : "fdatasync", file->path);
	if (close(steal_fd(&file->fd)) < 0 && r == 0)
		r = fail(err, errno, "close", file->path);
	return r;
}

/*
 * All contents first. A file whose content arrives after a commit of the journal, be it that of
 * the file before it, needs one more: taken one by one they cost several times as much.
 */
static int flush(struct durable *durable, struct oakum_error *err)
{
	struct batch *batch = &durable->flushed;
	int r = 0;

	for (size_t i = 0; i < batch->count && r == 0; i++)
		r = wait_for_content(&batch->files[i], err);
	for (size_t i = 0; i < batch->count && r == 0; i++)
		r = flush_file(durable, &batch->files[i], err);
	drop(batch);
	return r;
}

/*
 * Others may fill the next batch meanwhile. If it has less than so many files by then, somebody
 * else was quicker, and a small one would only cost a commit more.
 */
static int flush_batch(struct durable *durable, size_t least, struct oakum_error *err)
{
	int r = 0;

	pthread_mutex_lock(&durable->flush_lock);
	pthread_mutex_lock(&durable->lock);
	const bool is_due = durable->batch.count >= least;
	if (is_due) {
		durable->flushed = durable->batch;
		durable->batch.count = 0;
	}
	pthread_mutex_unlock(&durable->lock);
	if (is_due)
		r = flush(durable, err);
	pthread_mutex_unlock(&durable->flush_lock);
	return r;
}

/* False while there is no room. */
static bool try_add(struct durable *durable, struct waiting *file)
{
	pthread_mutex_lock(&durable->lock);
	bool has_room = durable->batch.count < durable->room;
	if (has_room)
		durable->batch.files[durable->batch.count++] = *file;
	pthread_mutex_unlock(&durable->lock);
	return has_room;
}

/* As much of its end as a message shows. */
static char *copy_tail(const char *path)
{
	size_t length = strlen(path);

	return strdup(length < PATH_BYTES_MAX ? path : path + length - PATH_BYTES_MAX);
}

int durable_take(struct durable *durable, int *fd, const char *path, struct oakum_error *err)
{
	struct waiting file = { .fd = *fd };
	int r = 0;

	if (!has_files(durable))
		return close(steal_fd(fd)) < 0 ? fail(err, errno, "close", path) : 0;
	file.path = copy_tail(path);
	if (file.path == NULL)
		return fail(err, ENOMEM, "remember", path);
	send_on_its_way(*fd, 0, 0);
	while (r == 0 && !try_add(durable, &file))
		r = flush_batch(durable, durable->room, err);
	if (r == 0)
		*fd = -1;
	else
		free(file.path);
	return r;
}

int durable_finish(struct durable *durable, struct oakum_error *err)
{
	return has_files(durable) ? flush_batch(durable, 0, err) : 0;
}

int durable_sync_all(const struct durable *durable, int root_fd, struct oakum_error *err)
{
	if (durable == NULL || durable->sync != OAKUM_SYNC_FS)
		return 0;
	return syncfs(root_fd) < 0 ? fail(err, errno, "syncfs", NULL) : 0;
}
