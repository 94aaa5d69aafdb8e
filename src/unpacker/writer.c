/* SPDX-License-Identifier: Apache-2.0 */
#include "unpacker/writer.h"

#include "base/cleanup.h"
#include "base/error.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

enum {
	CHUNK_BYTES = 64 << 10,
	CHUNK_COUNT = WRITER_BYTES_MAX / CHUNK_BYTES,
	FILES_MAX = 128, /* open at once */
	THREADS_MAX = 64,
};

/* A file on its way: one reference for each chunk and one for the thread that reads it. */
struct fill {
	int fd;
	uint64_t sequence; /* in layer order */
	uint64_t logical_bytes;
	bool sets_size; /* it ends with a hole */
	struct metadata metadata;
	char *path;		 /* for messages */
	unsigned int references; /* guarded by the writer's lock */
	bool has_failed;	 /* guarded by the writer's lock */
};

struct chunk {
	struct chunk *next;
	struct fill *fill;
	uint64_t offset;
	size_t length;
	unsigned char *bytes; /* CHUNK_BYTES */
};

struct writer {
	/* set before the threads start, then constant */
	unsigned int worker_count; /* 0: everything on the calling thread */
	pthread_t workers[THREADS_MAX];
	struct chunk chunks[CHUNK_COUNT];
	unsigned char *memory;

	/* of the calling thread alone */
	struct writer_source source;
	uint64_t next_sequence;
	uint64_t content_bytes;

	/* guarded by lock */
	pthread_mutex_t lock;
	pthread_cond_t has_work;
	pthread_cond_t has_room; /* a chunk or a file came back */
	struct chunk *free_chunks;
	struct chunk *first_work;
	struct chunk *last_work;
	unsigned int open_files;
	unsigned int running_workers;
	bool is_ending;
	uint64_t failed_sequence;	/* of first_error */
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

/* Size, metadata and close: an error of close(2) is an error of the file (NFS, quota). */
static int finish_file(int *fd, const struct metadata *metadata, const char *path,
	uint64_t set_bytes, struct oakum_error *err)
{
	int r = 0;

	if (set_bytes > 0 && ftruncate(*fd, (off_t)set_bytes) < 0)
		r = fail(err, errno, "ftruncate", path);
	if (r == 0)
		r = metadata_apply(metadata, *fd, path, err);
	if (close(steal_fd(fd)) < 0 && r == 0)
		r = fail(err, errno, "close", path);
	return r;
}

struct piece {
	const void *bytes;
	size_t length;
	uint64_t offset;
};

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
		end = piece.offset + piece.length;
	}
	if (r < 0)
		return r;
	return finish_file(fd, metadata, entry->path,
		end < entry->logical_bytes ? entry->logical_bytes : 0, err);
}

/* --- with workers --- */

static void free_fill(struct fill *fill)
{
	close_fd(&fill->fd);
	for (size_t i = 0; i < fill->metadata.xattr_count; i++)
		free_const(fill->metadata.xattrs[i].name);
	free_const(fill->metadata.xattrs);
	free(fill->path);
	free(fill);
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

/* A copy of all that the reader will have forgotten by then. */
static struct fill *new_fill(int *fd, const struct entry *entry, const struct metadata *metadata)
{
	struct fill *fill = calloc(1, sizeof(*fill));
	size_t count = metadata->xattr_count;
	struct xattr *xattrs = NULL;

	if (fill == NULL)
		return NULL;
	fill->fd = -1;
	fill->metadata = *metadata;
	fill->metadata.xattrs = NULL;
	fill->metadata.xattr_count = 0;
	fill->path = strdup(entry->path);
	if (count > 0)
		xattrs = calloc(count, sizeof(*xattrs));
	fill->metadata.xattrs = xattrs;
	while (xattrs != NULL && fill->metadata.xattr_count < count &&
		copy_xattr(&metadata->xattrs[fill->metadata.xattr_count],
			&xattrs[fill->metadata.xattr_count]) == 0)
		fill->metadata.xattr_count++;
	if (fill->path == NULL || fill->metadata.xattr_count < count) {
		free_fill(fill);
		return NULL;
	}
	fill->logical_bytes = entry->logical_bytes;
	fill->references = 1;
	fill->fd = steal_fd(fd);
	return fill;
}

/* Only the first in layer order is told, whichever worker met it. */
static void note_error(struct writer *writer, struct fill *fill, const struct oakum_error *err)
{
	fill->has_failed = true;
	if (writer->first_error.code != 0 && writer->failed_sequence < fill->sequence)
		return;
	writer->first_error = *err;
	writer->failed_sequence = fill->sequence;
}

/* Gives one reference back; the last one finishes the file, outside the lock. */
static void release(struct writer *writer, struct fill *fill)
{
	struct oakum_error err = { 0 };
	int r = 0;

	pthread_mutex_lock(&writer->lock);
	bool is_last = --fill->references == 0;
	bool has_failed = fill->has_failed;
	pthread_mutex_unlock(&writer->lock);
	if (!is_last)
		return;
	if (!has_failed)
		r = finish_file(&fill->fd, &fill->metadata, fill->path,
			fill->sets_size ? fill->logical_bytes : 0, &err);
	pthread_mutex_lock(&writer->lock);
	if (r < 0)
		note_error(writer, fill, &err);
	writer->open_files--;
	pthread_cond_signal(&writer->has_room);
	pthread_mutex_unlock(&writer->lock);
	free_fill(fill);
}

static void write_chunk(struct writer *writer, struct chunk *chunk)
{
	struct fill *fill = chunk->fill;
	struct oakum_error err;
	int r = write_at(fill->fd, chunk->bytes, chunk->length, chunk->offset);

	pthread_mutex_lock(&writer->lock);
	if (r < 0) {
		fail(&err, -r, "write", fill->path);
		note_error(writer, fill, &err);
	}
	chunk->next = writer->free_chunks;
	writer->free_chunks = chunk;
	pthread_cond_signal(&writer->has_room);
	pthread_mutex_unlock(&writer->lock);
	release(writer, fill);
}

static void *work(void *argument)
{
	struct writer *writer = argument;

	pthread_mutex_lock(&writer->lock);
	writer->running_workers++;
	pthread_cond_signal(&writer->has_room);
	pthread_mutex_unlock(&writer->lock);
	for (;;) {
		pthread_mutex_lock(&writer->lock);
		while (writer->first_work == NULL && !writer->is_ending)
			pthread_cond_wait(&writer->has_work, &writer->lock);
		struct chunk *chunk = writer->first_work;
		if (chunk != NULL)
			writer->first_work = chunk->next;
		pthread_mutex_unlock(&writer->lock);
		if (chunk == NULL)
			return NULL;
		write_chunk(writer, chunk);
	}
}

/* NULL once something has failed: what is still to come is of no use. */
static struct chunk *take_chunk(struct writer *writer)
{
	struct chunk *chunk = NULL;

	pthread_mutex_lock(&writer->lock);
	while (writer->free_chunks == NULL)
		pthread_cond_wait(&writer->has_room, &writer->lock);
	if (writer->first_error.code == 0) {
		chunk = writer->free_chunks;
		writer->free_chunks = chunk->next;
	}
	pthread_mutex_unlock(&writer->lock);
	return chunk;
}

static void hand_over(struct writer *writer, struct chunk *chunk)
{
	pthread_mutex_lock(&writer->lock);
	chunk->next = NULL;
	chunk->fill->references++;
	if (writer->first_work == NULL)
		writer->first_work = chunk;
	else
		writer->last_work->next = chunk;
	writer->last_work = chunk;
	pthread_cond_signal(&writer->has_work);
	pthread_mutex_unlock(&writer->lock);
}

/* False once something has failed. */
static bool copy_over(struct writer *writer, struct fill *fill, const unsigned char *bytes,
	size_t length, uint64_t offset)
{
	while (length > 0) {
		struct chunk *chunk = take_chunk(writer);
		if (chunk == NULL)
			return false;
		chunk->fill = fill;
		chunk->offset = offset;
		chunk->length = length < CHUNK_BYTES ? length : CHUNK_BYTES;
		memcpy(chunk->bytes, bytes, chunk->length);
		bytes += chunk->length;
		length -= chunk->length;
		offset += chunk->length;
		hand_over(writer, chunk);
	}
	return true;
}

/* 0; 1 if another file has failed meanwhile; or -errno of reading. */
static int read_into(struct writer *writer, struct fill *fill, struct oakum_error *err)
{
	struct piece piece;
	uint64_t end = 0;
	int r;

	while ((r = next_piece(writer, fill->path, &piece, err)) > 0) {
		if (!copy_over(writer, fill, piece.bytes, piece.length, piece.offset))
			return 1;
		end = piece.offset + piece.length;
	}
	fill->sets_size = end < fill->logical_bytes;
	return r;
}

/* Waits for a place among the open files; -errno if one has failed meanwhile: no use to go on. */
static int open_place(struct writer *writer)
{
	pthread_mutex_lock(&writer->lock);
	while (writer->open_files >= FILES_MAX)
		pthread_cond_wait(&writer->has_room, &writer->lock);
	int r = -writer->first_error.code;
	if (r == 0)
		writer->open_files++;
	pthread_mutex_unlock(&writer->lock);
	return r;
}

static void give_place_back(struct writer *writer)
{
	pthread_mutex_lock(&writer->lock);
	writer->open_files--;
	pthread_mutex_unlock(&writer->lock);
}

static int fill_by_workers(struct writer *writer, int *fd, const struct entry *entry,
	const struct metadata *metadata, struct oakum_error *err)
{
	int r = open_place(writer);

	if (r < 0)
		return writer_finish(writer, err);
	struct fill *fill = new_fill(fd, entry, metadata);
	if (fill == NULL) {
		give_place_back(writer);
		return fail(err, ENOMEM, "write", entry->path);
	}
	fill->sequence = writer->next_sequence++;
	r = read_into(writer, fill, err);
	if (r != 0) {
		pthread_mutex_lock(&writer->lock);
		fill->has_failed = true;
		if (r < 0)
			note_error(writer, fill, err);
		pthread_mutex_unlock(&writer->lock);
	}
	release(writer, fill);
	/* An entry before this one may have failed as well: that is the first in layer order. */
	return r != 0 ? writer_finish(writer, err) : 0;
}

/* --- both --- */

int writer_fill(struct writer *writer, int *file_fd, const struct entry *entry,
	const struct metadata *metadata, struct oakum_error *err)
{
	int r;

	if (writer->worker_count > 0)
		r = fill_by_workers(writer, file_fd, entry, metadata, err);
	else
		r = fill_directly(writer, file_fd, entry, metadata, err);
	close_fd(file_fd);
	return r;
}

int writer_finish(struct writer *writer, struct oakum_error *err)
{
	pthread_mutex_lock(&writer->lock);
	while (writer->open_files > 0)
		pthread_cond_wait(&writer->has_room, &writer->lock);
	int r = -writer->first_error.code;
	if (r < 0)
		*err = writer->first_error;
	pthread_mutex_unlock(&writer->lock);
	return r;
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
		writer->chunks[i].next = writer->free_chunks;
		writer->free_chunks = &writer->chunks[i];
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
	struct writer *new = calloc(1, sizeof(*new));
	int r = 0;

	if (new == NULL)
		return fail(err, ENOMEM, "prepare writer", NULL);
	pthread_mutex_init(&new->lock, NULL);
	pthread_cond_init(&new->has_work, NULL);
	pthread_cond_init(&new->has_room, NULL);
	if (threads > 1)
		r = start_workers(new, threads < THREADS_MAX ? threads : THREADS_MAX, err);
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
	pthread_mutex_lock(&writer->lock);
	writer->is_ending = true;
	pthread_cond_broadcast(&writer->has_work);
	pthread_mutex_unlock(&writer->lock);
	for (unsigned int i = 0; i < writer->worker_count; i++)
		pthread_join(writer->workers[i], NULL);
	pthread_mutex_destroy(&writer->lock);
	pthread_cond_destroy(&writer->has_work);
	pthread_cond_destroy(&writer->has_room);
	free(writer->memory);
	free(writer);
}
