/* SPDX-License-Identifier: Apache-2.0 */
/* A path below the rootfs, walked by hand: for when openat2(2) cannot. */
#ifndef OAKUM_UNPACKER_WALK_H
#define OAKUM_UNPACKER_WALK_H

/*
 * Opens the directory at a clean path below root_fd as openat2(2) does with
 * RESOLVE_IN_ROOT: symlinks, absolute ones too, and ".." in them stay below it.
 * Component by component with O_NOFOLLOW, "..", as text, never followed: a
 * directory that somebody moves away meanwhile leads nowhere else. Any length.
 *
 * Returns a descriptor opened with flags | O_DIRECTORY | O_CLOEXEC, or -errno:
 * -ELOOP past 40 symlinks, as the kernel.
 */
int walk_open(int root_fd, const char *path, int flags);

#endif
