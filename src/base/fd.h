/* SPDX-License-Identifier: Apache-2.0 */
/* Whole reads and writes, bounded reads, pipes and descriptors out of harm's way. */
#ifndef OAKUM_BASE_FD_H
#define OAKUM_BASE_FD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	FD_HIGH = 64,		 /* descriptors to be passed on are first moved here, past 0 to 7 */
	FD_PIPE_BYTES = 1 << 20, /* what we ask for; less is fine */
};

struct pipe_pair {
	int read_fd;
	int write_fd;
};

/*
 * Reads at most length bytes, waiting with poll(2) where fd is non-blocking.
 * Returns how many, 0 at the end, or -errno. One read only: may be short.
 */
ssize_t fd_read(int fd, void *buffer, size_t length);

/* The same, but not past the deadline: then it is -ETIMEDOUT, whatever there is to be read. */
ssize_t fd_read_by(int fd, void *buffer, size_t length, int64_t deadline);

/* Would a read return at once, with bytes or with the end? */
bool fd_is_readable(int fd);

/* Reads until length bytes are there or the end; returns how many, or -errno. */
ssize_t fd_read_full(int fd, void *buffer, size_t length);

/*
 * The same for a file in memory: past RLIMIT_FSIZE it is -EFBIG and not SIGXFSZ,
 * which would end a caller that only has a small limit.
 */
int fd_write_memory(int fd, const void *buffer, size_t length);

/* Writes all of it, waiting with poll(2) where fd is non-blocking; 0 or -errno. */
int fd_write_all(int fd, const void *buffer, size_t length);

/*
 * Reads to the end into a new buffer, NUL-terminated beyond length; free() it.
 * -EFBIG when there are more than max_bytes.
 */
int fd_read_all(int fd, size_t max_bytes, char **buffer, size_t *length);

/* A close-on-exec pipe, both ends >= FD_HIGH, as near to pipe_bytes as the system lets us; 0 or
 * -errno. */
int fd_pipe(struct pipe_pair *pair, int pipe_bytes);

/*
 * A close-on-exec file in memory that can be sealed and never executed, or -errno. Where
 * vm.memfd_noexec is 2 no other may be made.
 */
int fd_memory_file(const char *name);

/* A close-on-exec duplicate >= FD_HIGH, or -errno. */
int fd_duplicate_high(int fd);

/* Closes every descriptor but those in keep (ascending, count of them); 0 or -errno. */
int fd_keep_only(const int *keep, size_t count);

/*
 * Puts something that neither can be read nor written to where standard input, output or error is
 * closed: what is opened later must not become one of them by accident. 0 or -errno.
 */
int fd_fill_standard(void);

#endif
