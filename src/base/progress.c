/* SPDX-License-Identifier: Apache-2.0 */
#include "base/progress.h"

#include "base/cleanup.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

int progress_make(const struct progress **page)
{
	static const struct progress nothing_yet;
	cleanup_fd int fd = fd_memory_file("oakum-progress");

	if (fd < 0)
		return fd;
	int r = fd_write_memory(fd, &nothing_yet, sizeof(nothing_yet));
	if (r < 0)
		return r;
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW) < 0)
		return -errno;
	void *mapped = mmap(NULL, sizeof(struct progress), PROT_READ, MAP_SHARED, fd, 0);
	if (mapped == MAP_FAILED)
		return -errno;
	*page = mapped;
	return steal_fd(&fd);
}

void progress_unmap(const struct progress *page)
{
	void *mapped;

	memcpy(&mapped, &page, sizeof(mapped));
	if (mapped != NULL)
		munmap(mapped, sizeof(struct progress));
}

struct progress *progress_map(int fd)
{
	static struct progress unseen;
	void *mapped =
		mmap(NULL, sizeof(struct progress), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return mapped == MAP_FAILED ? &unseen : mapped;
}
