/* SPDX-License-Identifier: Apache-2.0 */
#include "unpacker/writer.h"

#include "base/cleanup.h"
#include "base/error.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

enum {
	CHUNK_BYTES = 64 << 10,
	CHUNK_COUNT = WRITER_BYTES_MAX / CHUNK_BYTES,
	FILES_MAX = 128, /* open at once */
	WORKERS_MAX = 63,
	BATCH = 8, /* chunks that change hands at once: a lock and a wake-up for all of them */
};

/* A file on its way: one reference for each chunk and one for the thread that reads it. */
struct fill {
	struct fill *next;
	int fd;
	uint64_t sequence; /* in layer order */
	uint64_t logical_bytes;
	bool sets_size; /* it ends with a hole */
	struct metadata metadata;
	char *path; /* for messages */
	size_t path_room;
	atomic_uint references;
	atomic_bool has_failed;
};

struct chunk {
	struct chunk *next;
	struct fill *fill;
	uint64_t offset;
	size_t length;
	unsigned char *bytes; /* CHUNK_BYTES */
};

struct chunks {
	struct chunk *first;
	struct chunk *last;
	size_t count;
};

struct fills {
	struct fill *first;
	size_t count;
};

struct writer {
	/* set before the threads start, then constant */
	unsigned int worker_count; /* 0: everything on the calling thread */
	pthread_t workers[WORKERS_MAX];
	struct chunk chunks[CHUNK_COUNT];
	struct fill fills[FILES_MAX];
	unsigned char *memory;

	/* of the calling thread alone */
	struct writer_source source;
	uint64_t next_sequence;
	uint64_t content_bytes;
	struct chunks own_chunks; /* free */
	struct chunks own_work;	  /* not handed over yet */
	struct fills own_fills;	  /* free */

	atomic_bool has_error; /* of first_error, which only who holds the lock may look at */

	/* guarded by lock */
	pthread_mutex_t lock;
	pthread_cond_t has_work;
	pthread_cond_t has_room; /* chunks or files came back */
	struct chunks free_chunks;
	struct chunks work;
	struct fills free_fills;
	unsigned int idle_workers;
	unsigned int running_workers;
	bool is_ending;
	uint64_t failed_sequence;	/* of first_error */
	uint64_t failed_bytes;		/* the same: the size of its file */
	struct oakum_error first_error; /* of the earliest entry in layer order */
};

static int write_at(int fd, const unsigned char *bytes, size_t length, uint64_t offset)
{
	while (length > 0) {
		ssize_t put = pwrite(fd, bytes, length, (off_t)offset);
		if (put < 0 && errno != EINTR)
			return -errno;
		if (put > 0) {
			bytes += put;
			length -= (size_t)put;
			offset += (uint64_t)put;
		}
	}
	return 0;
}

struct piece {
	const void *bytes;
	size_t length;
	uint64_t offset;
};

struct finished {
	const struct metadata *metadata;
	const char *path;
	uint64_t set_bytes; /* 0: its size is right */
};

/* Size, metadata and close: an error of close(2) is an error of the file (NFS, quota). */
static int finish_file(
	const struct writer *writer, int *fd, const struct finished *file, struct oakum_error *err)
{
	if (file->set_bytes > 0 && ftruncate(*fd, (off_t)file->set_bytes) < 0)
		return fail(err, errno, "ftruncate", file->path);
	int r = metadata_apply(file->metadata, *fd, file->path, err);
	return r < 0 ? r : durable_take(writer->source.durable, fd, file->path, err);
}

/* The next piece of the entry's content, counted against the limits: 1, 0 at the end, or -errno. */
static int next_piece(
	struct writer *writer, const char *path, struct piece *piece, struct oakum_error *err)
{
	ssize_t length =
		tar_reader_content(writer->source.reader, &piece->bytes, &piece->offset, err);

	if (length <= 0)
		return staged((int)length, OAKUM_STAGE_READ, err);
	piece->length = (size_t)length;
	int r = tally_content(writer->source.tally, piece->length, path, err);
	if (r == 0)
		r = space_take_content(writer->source.space, piece->length, path, err);
	if (r < 0)
		return staged(r, OAKUM_STAGE_POLICY, err);
	writer->content_bytes += piece->length;
	if (writer->source.progress != NULL)
		progress_show(&writer->source.progress->content_bytes, writer->content_bytes);
	return 1;
}

/* --- on the calling thread alone --- */

static int fill_directly(struct writer *writer, int *fd, const struct entry *entry,
	const struct metadata *metadata, struct oakum_error *err)
{
	struct piece piece;
	uint64_t end = 0;
	int r;

	while ((r = next_piece(writer, entry->path, &piece, err)) > 0) {
		r = write_at(*fd, piece.bytes, piece.length, piece.offset);
		if (r < 0)
			return fail(err, -r, "write", entry->path);
		durable_wrote(writer->source.durable, *fd, piece.offset, piece.length);
		end = piece.offset + piece.length;
	}
	if (r < 0)
		return r;
	const struct finished file = {
		.metadata = metadata,
		.path = entry->path,
		.set_bytes = end < entry->logical_bytes ? entry->logical_bytes : 0,
	};
	return finish_file(writer, fd, &file, err);
}

/* --- with workers --- */

static void push(struct chunks *chunks, struct chunk *chunk)
{
	chunk->next = NULL;
	if (chunks->first == NULL)
		chunks->first = chunk;
	else
		chunks->last->next = chunk;
	chunks->last = chunk;
	chunks->count++;
}

static struct chunk *pop(struct chunks *chunks)
{
	struct chunk *chunk = chunks->first;

	chunks->first = chunk->next;
	chunks->count--;
	return chunk;
}

/* All of from, before what is in to: what was used last is still in the cache. */
static void move_chunks(struct chunks *from, struct chunks *to)
{
	if (from->first == NULL)
		return;
	from->last->next = to->first;
	if (to->first == NULL)
		to->last = from->last;
	to->first = from->first;
	to->count += from->count;
	*from = (struct chunks){ 0 };
}

static void push_fill(struct fills *fills, struct fill *fill)
{
	fill->next = fills->first;
	fills->first = fill;
	fills->count++;
}

static struct fill *pop_fill(struct fills *fills)
{
	struct fill *fill = fills->first;

	fills->first = fill->next;
	fills->count--;
	return fill;
}

static void free_metadata(struct fill *fill)
{
	for (size_t i = 0; i < fill->metadata.xattr_count; i++)
		free_const(fill->metadata.xattrs[i].name);
	free_const(fill->metadata.xattrs);
	fill->metadata = (struct metadata){ 0 };
}

/* Name and value in one block, behind each other. */
static int copy_xattr(const struct xattr *from, struct xattr *to)
{
	size_t name_bytes = strlen(from->name) + 1;
	char *copy = malloc(name_bytes + from->value_bytes);

	if (copy == NULL)
		return -ENOMEM;
	memcpy(copy, from->name, name_bytes);
	if (from->value_bytes > 0)
		memcpy(copy + name_bytes, from->value, from->value_bytes);
	*to = (struct xattr){ copy, copy + name_bytes, from->value_bytes };
	return 0;
}

static int copy_metadata(struct fill *fill, const struct metadata *metadata)
{
	size_t count = metadata->xattr_count;
	struct xattr *xattrs = NULL;

	fill->metadata = *metadata;
	fill->metadata.xattrs = NULL;
	fill->metadata.xattr_count = 0;
	if (count == 0)
		return 0;
	xattrs = calloc(count, sizeof(*xattrs));
	if (xattrs == NULL)
		return -ENOMEM;
	fill->metadata.xattrs = xattrs;
	for (size_t i = 0; i < count; i++) {
		if (copy_xattr(&metadata->xattrs[i], &xattrs[i]) < 0)
			return -ENOMEM;
		fill->metadata.xattr_count++;
	}
	return 0;
}

static int copy_path(struct fill *fill, const char *path)
{
	size_t bytes = strlen(path) + 1;

	if (bytes > fill->path_room) {
		char *larger = realloc(fill->path, bytes);
		if (larger == NULL)
			return -ENOMEM;
		fill->path = larger;
		fill->path_room = bytes;
	}
	memcpy(fill->path, path, bytes);
	return 0;
}

/* Only the first in layer order is told, whichever worker met it. */
static void note_error(struct writer *writer, struct fill *fill, const struct oakum_error *err)
{
	atomic_store(&fill->has_failed, true);
	pthread_mutex_lock(&writer->lock);
	if (writer->first_error.code == 0 || fill->sequence < writer->failed_sequence) {
		writer->first_error = *err;
		writer->failed_sequence = fill->sequence;
		writer->failed_bytes = fill->logical_bytes;
	}
	pthread_mutex_unlock(&writer->lock);
	atomic_store(&writer->has_error, true);
}

/* Gives one reference back; the last one finishes the file, which then is free to be used again. */
static void release(struct writer *writer, struct fill *fill, struct fills *freed)
{
	struct oakum_error err = { 0 };

	if (atomic_fetch_sub(&fill->references, 1) > 1)
		return;
	const struct finished file = {
		.metadata = &fill->metadata,
		.path = fill->path,
		.set_bytes = fill->sets_size ? fill->logical_bytes : 0,
	};
	if (!atomic_load(&fill->has_failed) && finish_file(writer, &fill->fd, &file, &err) < 0)
		note_error(writer, fill, &err);
	close_fd(&fill->fd);
	free_metadata(fill);
	push_fill(freed, fill);
}

static void write_chunk(struct writer *writer, const struct chunk *chunk, struct fills *freed)
{
	struct fill *fill = chunk->fill;
	struct oakum_error err;
	int r = write_at(fill->fd, chunk->bytes, chunk->length, chunk->offset);

	if (r < 0) {
		fail(&err, -r, "write", fill->path);
		note_error(writer, fill, &err);
	}
	durable_wrote(writer->source.durable, fill->fd, chunk->offset, chunk->length);
	release(writer, fill, freed);
}

/* With the lock held, as all that follow until it is said otherwise. */
static void give_back(struct writer *writer, struct chunks *chunks, struct fills *fills)
{
	move_chunks(chunks, &writer->free_chunks);
	while (fills->first != NULL)
		push_fill(&writer->free_fills, pop_fill(fills));
	pthread_cond_signal(&writer->has_room);
}

static void wait_for_work(struct writer *writer)
{
	writer->idle_workers++;
	while (writer->work.first == NULL && !writer->is_ending)
		pthread_cond_wait(&writer->has_work, &writer->lock);
	writer->idle_workers--;
}

static struct chunks take_batch(struct writer *writer)
{
	struct chunks batch = { 0 };

	while (writer->work.first != NULL && batch.count < BATCH)
		push(&batch, pop(&writer->work));
	return batch;
}

static void *work(void *argument)
{
	struct writer *writer = argument;

	pthread_mutex_lock(&writer->lock);
	writer->running_workers++;
	pthread_cond_signal(&writer->has_room);
	for (;;) {
		struct fills freed = { 0 };
		wait_for_work(writer);
		struct chunks batch = take_batch(writer);
		if (batch.first == NULL)
			break;
		pthread_mutex_unlock(&writer->lock);
		for (const struct chunk *chunk = batch.first; chunk != NULL; chunk = chunk->next)
			write_chunk(writer, chunk, &freed);
		pthread_mutex_lock(&writer->lock);
		give_back(writer, &batch, &freed);
	}
	pthread_mutex_unlock(&writer->lock);
	return NULL;
}

/* What follows is the calling thread's, without the lock. */
static void hand_over(struct writer *writer)
{
	struct chunks *own = &writer->own_work;

	if (own->first == NULL)
		return;
	pthread_mutex_lock(&writer->lock);
	while (own->first != NULL)
		push(&writer->work, pop(own));
	if (writer->idle_workers > 0)
		pthread_cond_signal(&writer->has_work);
	pthread_mutex_unlock(&writer->lock);
}

/* Takes all that came back; there may be nothing. */
static void collect(struct writer *writer)
{
	hand_over(writer);
	pthread_mutex_lock(&writer->lock);
	move_chunks(&writer->free_chunks, &writer->own_chunks);
	while (writer->free_fills.first != NULL)
		push_fill(&writer->own_fills, pop_fill(&writer->free_fills));
	pthread_mutex_unlock(&writer->lock);
}

static int write_part(
	struct fill *fill, const struct piece *piece, size_t done, struct oakum_error *err)
{
	const unsigned char *bytes = piece->bytes;
	int r = write_at(fill->fd, bytes + done, piece->length - done, piece->offset + done);

	return r < 0 ? fail(err, -r, "write", fill->path) : 0;
}

/* 0; 1 once something has failed: what is still to come is of no use; or -errno. */
static int copy_over(struct writer *writer, struct fill *fill, const struct piece *piece,
	struct oakum_error *err)
{
	const unsigned char *bytes = piece->bytes;

	for (size_t done = 0; done < piece->length;) {
		size_t left = piece->length - done;
		if (atomic_load(&writer->has_error))
			return 1;
		if (writer->own_chunks.first == NULL)
			collect(writer);
		/* The workers have as much as they can hold: the rest is done here meanwhile. */
		if (writer->own_chunks.first == NULL)
			return write_part(fill, piece, done, err);
		struct chunk *chunk = pop(&writer->own_chunks);
		chunk->fill = fill;
		chunk->offset = piece->offset + done;
		chunk->length = left < CHUNK_BYTES ? left : CHUNK_BYTES;
		memcpy(chunk->bytes, bytes + done, chunk->length);
		done += chunk->length;
		atomic_fetch_add(&fill->references, 1);
		push(&writer->own_work, chunk);
		if (writer->own_work.count >= BATCH)
			hand_over(writer);
	}
	return 0;
}

/* 0; 1 if another file has failed meanwhile; or -errno of reading. */
static int read_into(struct writer *writer, struct fill *fill, struct oakum_error *err)
{
	struct piece piece;
	uint64_t end = 0;
	int r;

	while ((r = next_piece(writer, fill->path, &piece, err)) > 0) {
		r = copy_over(writer, fill, &piece, err);
		if (r != 0)
			return r;
		end = piece.offset + piece.length;
	}
	fill->sets_size = end < fill->logical_bytes;
	return r;
}

/* Fills a free one with a copy of all that the reader will have forgotten by then; takes *fd. */
static int begin_fill(struct writer *writer, int *fd, const struct entry *entry,
	const struct metadata *metadata, struct fill **begun)
{
	struct fill *fill = writer->own_fills.first;

	if (copy_metadata(fill, metadata) < 0 || copy_path(fill, entry->path) < 0) {
		free_metadata(fill);
		return -ENOMEM;
	}
	*begun = pop_fill(&writer->own_fills);
	fill->sequence = writer->next_sequence++;
	fill->logical_bytes = entry->logical_bytes;
	fill->sets_size = false;
	atomic_store(&fill->references, 1);
	atomic_store(&fill->has_failed, false);
	fill->fd = steal_fd(fd);
	return 0;
}

static int fill_by_workers(struct writer *writer, int *fd, const struct entry *entry,
	const struct metadata *metadata, struct oakum_error *err)
{
	struct fill *fill;

	if (begin_fill(writer, fd, entry, metadata, &fill) < 0)
		return fail(err, ENOMEM, "write", entry->path);
	int r = read_into(writer, fill, err);
	if (r != 0)
		atomic_store(&fill->has_failed, true);
	if (r < 0)
		note_error(writer, fill, err);
	release(writer, fill, &writer->own_fills);
	return r;
}

/* --- both --- */

/* Is there work for others? Not while the stream is what we wait for: then it is done here and now.
 */
static bool has_use_for_workers(struct writer *writer)
{
	if (writer->worker_count == 0)
		return false;
	if (!tar_reader_is_behind(writer->source.reader)) {
		hand_over(writer);
		return false;
	}
	if (writer->own_chunks.first == NULL || writer->own_fills.first == NULL)
		collect(writer);
	return writer->own_chunks.first != NULL && writer->own_fills.first != NULL;
}

int writer_fill(struct writer *writer, int *file_fd, const struct entry *entry,
	const struct metadata *metadata, struct oakum_error *err)
{
	int r = 0;

	if (atomic_load(&writer->has_error))
		r = 1;
	else if (has_use_for_workers(writer))
		r = fill_by_workers(writer, file_fd, entry, metadata, err);
	else
		r = fill_directly(writer, file_fd, entry, metadata, err);
	close_fd(file_fd);
	/* An entry before this one may have failed as well: that is the first in layer order. */
	if (r != 0) {
		struct oakum_error earlier;
		int of_earlier = writer_finish(writer, &earlier);
		if (of_earlier < 0)
			*err = earlier;
		r = -err->code;
	}
	return r;
}

int writer_finish(struct writer *writer, struct oakum_error *err)
{
	hand_over(writer);
	pthread_mutex_lock(&writer->lock);
	while (writer->own_fills.count + writer->free_fills.count < FILES_MAX)
		pthread_cond_wait(&writer->has_room, &writer->lock);
	int r = -writer->first_error.code;
	if (r < 0)
		*err = writer->first_error;
	pthread_mutex_unlock(&writer->lock);
	return r;
}

uint64_t writer_failed_bytes(struct writer *writer)
{
	pthread_mutex_lock(&writer->lock);
	uint64_t bytes = writer->failed_bytes;
	pthread_mutex_unlock(&writer->lock);
	return bytes;
}

void writer_set_source(struct writer *writer, const struct writer_source *source)
{
	writer->source = *source;
}

uint64_t writer_content_bytes(const struct writer *writer)
{
	return writer->content_bytes;
}

static int start_workers(struct writer *writer, unsigned int count, struct oakum_error *err)
{
	writer->memory = malloc((size_t)CHUNK_BYTES * CHUNK_COUNT);
	if (writer->memory == NULL)
		return fail(err, ENOMEM, "prepare writer", NULL);
	for (size_t i = 0; i < CHUNK_COUNT; i++) {
		writer->chunks[i].bytes = writer->memory + i * CHUNK_BYTES;
		push(&writer->own_chunks, &writer->chunks[i]);
	}
	for (; writer->worker_count < count; writer->worker_count++) {
		int code =
			pthread_create(&writer->workers[writer->worker_count], NULL, work, writer);
		if (code != 0)
			return fail(err, code, "pthread_create", NULL);
	}
	/* A thread is born with calls that seccomp will not allow: let them be over. */
	pthread_mutex_lock(&writer->lock);
	while (writer->running_workers < writer->worker_count)
		pthread_cond_wait(&writer->has_room, &writer->lock);
	pthread_mutex_unlock(&writer->lock);
	return 0;
}

int writer_new(unsigned int threads, struct writer **writer, struct oakum_error *err)
{
	const unsigned int workers = threads > 1 ? threads - 1 : 0;
	struct writer *new = calloc(1, sizeof(*new));
	int r = 0;

	if (new == NULL)
		return fail(err, ENOMEM, "prepare writer", NULL);
	pthread_mutex_init(&new->lock, NULL);
	pthread_cond_init(&new->has_work, NULL);
	pthread_cond_init(&new->has_room, NULL);
	for (size_t i = 0; i < FILES_MAX; i++) {
		new->fills[i].fd = -1;
		push_fill(&new->own_fills, &new->fills[i]);
	}
	if (workers > 0)
		r = start_workers(new, workers < WORKERS_MAX ? workers : WORKERS_MAX, err);
	if (r < 0) {
		writer_free(new);
		return r;
	}
	*writer = new;
	return 0;
}

void writer_free(struct writer *writer)
{
	if (writer == NULL)
		return;
	hand_over(writer);
	pthread_mutex_lock(&writer->lock);
	writer->is_ending = true;
	pthread_cond_broadcast(&writer->has_work);
	pthread_mutex_unlock(&writer->lock);
	for (unsigned int i = 0; i < writer->worker_count; i++)
		pthread_join(writer->workers[i], NULL);
	pthread_mutex_destroy(&writer->lock);
	pthread_cond_destroy(&writer->has_work);
	pthread_cond_destroy(&writer->has_room);
	for (size_t i = 0; i < FILES_MAX; i++)
		free(writer->fills[i].path);
	free(writer->memory);
	free(writer);
}
