/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls without a glibc wrapper in Debian 12, one line each, and the
 * seam where tests inject faults. Every one returns what the kernel's does with
 * -1 and errno for a failure. Constants newer than the headers are defined here.
 */
#ifndef OAKUM_BASE_SYS_H
#define OAKUM_BASE_SYS_H

#include <linux/openat2.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/types.h>

/* How a process has ended, long after somebody else has taken its status: Linux 6.15. */
#define SYS_PIDFD_INFO_EXIT (UINT64_C(1) << 3)

/* The first version of the kernel's struct pidfd_info: all later kernels take it. */
struct pidfd_info_v0 {
	uint64_t mask; /* what is asked for; then what there is */
	uint64_t cgroup_id;
	uint32_t ids[11];  /* pids and credentials */
	int32_t exit_code; /* as of waitpid(2) */
};

struct sock_fprog;
struct mount_attr;
struct landlock_ruleset_attr;
struct landlock_path_beneath_attr;

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452 /* the same number on every architecture, like all that are as young */
#endif
#ifndef SYS_setxattrat
#define SYS_setxattrat 463
#endif
#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x0020
#endif

int sys_openat2(int dir_fd, const char *path, const struct open_how *how);
int sys_open_tree(int dir_fd, const char *path, unsigned int flags);
int sys_move_mount(
	int from_fd, const char *from_path, int to_fd, const char *to_path, unsigned int flags);
int sys_pivot_root(const char *new_root, const char *put_old);
int sys_mount_setattr(
	int dir_fd, const char *path, unsigned int flags, struct mount_attr *attributes);
int sys_pidfd_open(pid_t pid, unsigned int flags);
int sys_pidfd_send_signal(int pidfd, int signal_number);
int sys_pidfd_get_info(int pidfd, struct pidfd_info_v0 *info);
int sys_execveat(int dir_fd, const char *path, char *const argv[], char *const envp[], int flags);
/* To SIG_DFL, and to no signal blocked, without libc's copy of either: for a child that shares
 * memory. */
int sys_reset_action(int signal_number);
int sys_unblock_signals(void);
int sys_dup3(int from_fd, int to_fd, int flags);
int sys_close(int fd); /* the same: unseen by a sanitizer */
int sys_close_range(unsigned int first, unsigned int last, unsigned int flags);
int sys_capset(uint64_t capabilities); /* permitted and effective; inheritable none */
int sys_capget(uint64_t *effective, uint64_t *permitted);
int sys_seccomp(unsigned int operation, unsigned int flags, void *argument);
int sys_landlock_create_ruleset(
	const struct landlock_ruleset_attr *attributes, size_t bytes, uint32_t flags);
int sys_landlock_add_path(int ruleset_fd, const struct landlock_path_beneath_attr *rule);
int sys_landlock_restrict_self(int ruleset_fd);
int sys_setxattrat(
	int dir_fd, const char *name, const char *attribute, const void *value, size_t value_bytes);
int sys_fchmodat2(int dir_fd, const char *name, mode_t mode, int flags);

#endif
