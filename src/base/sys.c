/* SPDX-License-Identifier: Apache-2.0 */
/* Raw system calls: the one file that uses syscall(2). */
#include "base/sys.h"

#include <linux/capability.h>
#include <linux/landlock.h>
#include <linux/mount.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int sys_openat2(int dir_fd, const char *path, const struct open_how *how)
{
	return (int)syscall(SYS_openat2, dir_fd, path, how, sizeof(*how));
}

int sys_open_tree(int dir_fd, const char *path, unsigned int flags)
{
	return (int)syscall(SYS_open_tree, dir_fd, path, flags);
}

int sys_move_mount(
	int from_fd, const char *from_path, int to_fd, const char *to_path, unsigned int flags)
{
	return (int)syscall(SYS_move_mount, from_fd, from_path, to_fd, to_path, flags);
}

int sys_pivot_root(const char *new_root, const char *put_old)
{
	return (int)syscall(SYS_pivot_root, new_root, put_old);
}

int sys_mount_setattr(
	int dir_fd, const char *path, unsigned int flags, struct mount_attr *attributes)
{
	return (int)syscall(
		SYS_mount_setattr, dir_fd, path, flags, attributes, sizeof(*attributes));
}

int sys_pidfd_open(pid_t pid, unsigned int flags)
{
	return (int)syscall(SYS_pidfd_open, pid, flags);
}

int sys_pidfd_send_signal(int pidfd, int signal_number)
{
	return (int)syscall(SYS_pidfd_send_signal, pidfd, signal_number, NULL, 0);
}

int sys_pidfd_get_info(int pidfd, struct pidfd_info_v0 *info)
{
	_Static_assert(sizeof(*info) == 64, "PIDFD_INFO_SIZE_VER0 of the kernel");

	return (int)syscall(SYS_ioctl, pidfd, _IOWR(0xFF, 11, struct pidfd_info_v0), info);
}

int sys_execveat(int dir_fd, const char *path, char *const argv[], char *const envp[], int flags)
{
	return (int)syscall(SYS_execveat, dir_fd, path, argv, envp, flags);
}

int sys_reset_action(int signal_number)
{
	/* The kernel's own struct sigaction, all zero: SIG_DFL, no flags. */
	static const uint64_t by_default[4];

	return (int)syscall(SYS_rt_sigaction, signal_number, by_default, NULL, sizeof(uint64_t));
}

int sys_unblock_signals(void)
{
	static const uint64_t none;

	return (int)syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof(none));
}

int sys_dup3(int from_fd, int to_fd, int flags)
{
	return (int)syscall(SYS_dup3, from_fd, to_fd, flags);
}

int sys_close(int fd)
{
	return (int)syscall(SYS_close, fd);
}

int sys_close_range(unsigned int first, unsigned int last, unsigned int flags)
{
	return (int)syscall(SYS_close_range, first, last, flags);
}

int sys_capset(uint64_t capabilities)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {
		{ .effective = (uint32_t)capabilities, .permitted = (uint32_t)capabilities },
		{
			.effective = (uint32_t)(capabilities >> 32),
			.permitted = (uint32_t)(capabilities >> 32),
		},
	};

	return (int)syscall(SYS_capset, &header, data);
}

int sys_capget(uint64_t *effective, uint64_t *permitted)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (syscall(SYS_capget, &header, data) < 0)
		return -1;
	*effective = data[0].effective | (uint64_t)data[1].effective << 32;
	*permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
	return 0;
}

int sys_seccomp(unsigned int operation, unsigned int flags, void *argument)
{
	return (int)syscall(SYS_seccomp, operation, flags, argument);
}

int sys_landlock_create_ruleset(
	const struct landlock_ruleset_attr *attributes, size_t bytes, uint32_t flags)
{
	return (int)syscall(SYS_landlock_create_ruleset, attributes, bytes, flags);
}

int sys_landlock_add_path(int ruleset_fd, const struct landlock_path_beneath_attr *rule)
{
	return (int)syscall(SYS_landlock_add_rule, ruleset_fd, LANDLOCK_RULE_PATH_BENEATH, rule, 0);
}

int sys_landlock_restrict_self(int ruleset_fd)
{
	return (int)syscall(SYS_landlock_restrict_self, ruleset_fd, 0);
}

int sys_setxattrat(
	int dir_fd, const char *name, const char *attribute, const void *value, size_t value_bytes)
{
	/* struct xattr_args of kernel 6.13 */
	struct {
		uint64_t value __attribute__((aligned(8)));
		uint32_t size;
		uint32_t flags;
	} arguments = { (uint64_t)(uintptr_t)value, (uint32_t)value_bytes, 0 };

	return (int)syscall(SYS_setxattrat, dir_fd, name, 0x100 /* AT_SYMLINK_NOFOLLOW */,
		attribute, &arguments, sizeof(arguments));
}

int sys_fchmodat2(int dir_fd, const char *name, mode_t mode, int flags)
{
	return (int)syscall(SYS_fchmodat2, dir_fd, name, mode, flags);
}
