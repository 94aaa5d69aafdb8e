/* SPDX-License-Identifier: Apache-2.0 */
#include "jail/seccomp.h"

#include "base/error.h"
#include "base/sys.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#if defined(__x86_64__)
#define OAKUM_AUDIT_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OAKUM_AUDIT_ARCH AUDIT_ARCH_AARCH64
#else
#error "the system call lists are for x86-64 and arm64"
#endif

/*
 * The lists hold names in the order of how often they are called: the filter is
 * walked from its top. Of some, it looks at an argument too:
 *   mmap, mprotect  not with PROT_EXEC; memory is mapped, and never a file
 *   read, pread64   not of standard output and standard error: they may be the caller's
 *                   terminal, open for both ways, and what is typed there is not for us
 *   clone           for the start of a thread only
 */

const int seccomp_monitor_calls[] = {
	SYS_read,
	SYS_write,
#ifdef SYS_poll
	SYS_poll,
#endif
	SYS_ppoll,
	SYS_waitid,	       /* the statuses of its children */
	SYS_pidfd_send_signal, /* the others must die when one has failed */
	SYS_recvmsg,	       /* their reports */
	SYS_close,
	SYS_exit_group,
	SYS_rt_sigreturn,
	SYS_restart_syscall,
	-1,
};

/* Until the codec is known: the head is read, and memory and threads may still be had. */
const int seccomp_decompressor_calls[] = {
	SYS_read,
	SYS_write,
#ifdef SYS_poll
	SYS_poll,
#endif
	SYS_ppoll,
	SYS_brk,
	SYS_mmap,
	SYS_munmap,
	SYS_mremap,
	SYS_mprotect,
	SYS_madvise,
	SYS_futex,
	SYS_eventfd2,	  /* what the threads for xz will wait for */
	SYS_clone,	  /* they, and nothing but threads */
	SYS_rt_sigaction, /* the C library, with the first of them */
	SYS_set_robust_list,
	SYS_rseq,
	SYS_sched_yield,
	SYS_rt_sigprocmask, /* abort(3) of a library, so that it is seen as one; a thread's start */
	SYS_rt_sigreturn,
	SYS_restart_syscall,
	SYS_seccomp, /* jail_narrow() */
	SYS_exit_group,
	-1,
};

/* Once it is known: every codec lives on memory that was set aside before, as a hasher does. */
const int seccomp_codec_calls[] = {
	SYS_read,
	SYS_write,
#ifdef SYS_poll
	SYS_poll,
#endif
	SYS_ppoll,
	SYS_rt_sigreturn,
	SYS_restart_syscall,
	SYS_exit_group,
	-1,
};

/* The same with threads that are there already: they wait for work and for each other. */
const int seccomp_threaded_codec_calls[] = {
	SYS_futex,
	SYS_read,
	SYS_write,
#ifdef SYS_poll
	SYS_poll,
#endif
	SYS_ppoll,
	SYS_rt_sigprocmask, /* liblzma, before it starts what it takes for a new thread */
	SYS_rt_sigreturn,
	SYS_restart_syscall,
	SYS_exit_group,
	-1,
};

const int seccomp_unpacker_calls[] = {
	SYS_read,   /* the stream */
	SYS_openat, /* a new file below a parent descriptor */
	SYS_write,  /* content; the report */
	SYS_pwrite64,
	SYS_pread64, /* what directories get in the end, where it was too much for memory */
	SYS_utimensat,
	SYS_close,
	SYS_futex,   /* the writer threads */
	SYS_openat2, /* parents, with RESOLVE_IN_ROOT */
	SYS_fchown,
	SYS_fchownat,
	SYS_fchmod,
	SYS_fchmodat2,
	SYS_mkdirat,
	SYS_symlinkat,
	SYS_linkat,
	SYS_unlinkat,
	SYS_mknodat,
	SYS_newfstatat,
	SYS_fstat,
	SYS_statx,
	SYS_fstatfs, /* is there space left? */
	SYS_readlinkat,
	SYS_getdents64, /* the trees that whiteouts and replaced directories remove */
	SYS_fchdir,	/* xattrs of a symlink before Linux 6.13 */
	SYS_setxattrat,
	SYS_fsetxattr,
	SYS_lsetxattr,
	SYS_setxattr,
	SYS_fgetxattr, /* has the parent a default ACL? */
	SYS_lgetxattr,
	SYS_flistxattr, /* what a directory has of earlier layers */
	SYS_fremovexattr,
	SYS_ftruncate,	     /* the last hole of a sparse file */
	SYS_sync_file_range, /* --sync: a file that is complete is sent on its way */
	SYS_fsync,	     /* ... and is on the disk, with its metadata; directories too */
	SYS_fdatasync,	     /* ... or its content alone */
	SYS_syncfs,	     /* ... or everything */
	SYS_fallocate,
	SYS_lseek,
#ifdef SYS_poll
	SYS_poll,
#endif
	SYS_ppoll,
	SYS_brk,
	SYS_mmap,
	SYS_munmap,
	SYS_mremap,
	SYS_mprotect,
	SYS_madvise,
	SYS_clock_gettime,
	SYS_sched_yield,
	SYS_rt_sigprocmask, /* the end of a thread */
	SYS_rt_sigreturn,
	SYS_restart_syscall,
	SYS_exit,
	SYS_exit_group,
	-1,
};

/* It makes, changes and removes nothing; Landlock sees to it that openat(2) does not either. */
const int seccomp_packer_calls[] = {
	SYS_newfstatat,
	SYS_llistxattr, /* of what is not opened */
	SYS_lgetxattr,
	SYS_flistxattr, /* of what is, whatever its name leads to by now */
	SYS_fgetxattr,
	SYS_openat, /* content, and directories one below the other */
	SYS_read,
	SYS_write, /* the stream; warnings */
	SYS_fstat,
	SYS_close,
	SYS_getdents64,
	SYS_fchdir, /* xattrs are read by names of the working directory */
	SYS_readlinkat,
	SYS_statx,   /* is something mounted there? */
	SYS_openat2, /* where the walk starts, with RESOLVE_IN_ROOT */
#ifdef SYS_poll
	SYS_poll,
#endif
	SYS_ppoll,
	SYS_brk,
	SYS_mmap,
	SYS_munmap,
	SYS_mremap,
	SYS_mprotect,
	SYS_madvise,
	SYS_futex,
	SYS_clock_gettime,  /* of a warning */
	SYS_rt_sigprocmask, /* abort(3) of a library, so that it is seen as one */
	SYS_rt_sigreturn,
	SYS_restart_syscall,
	SYS_exit_group,
	-1,
};

/* It looks at headers and writes lines: memory, and the two descriptors. */
const int seccomp_lister_calls[] = {
	SYS_read,
	SYS_write, /* lines; the report */
#ifdef SYS_poll
	SYS_poll,
#endif
	SYS_ppoll,
	SYS_brk, /* libarchive's, of each header */
	SYS_mmap,
	SYS_munmap,
	SYS_mremap,
	SYS_mprotect,
	SYS_madvise,
	SYS_futex,
	SYS_clock_gettime,
	SYS_rt_sigprocmask, /* abort(3) of a library, so that it is seen as one */
	SYS_rt_sigreturn,
	SYS_restart_syscall,
	SYS_exit_group,
	-1,
};

/* As the packer: nothing that makes, changes or removes; Landlock has what openat(2) would. */
const int seccomp_verifier_calls[] = {
	SYS_newfstatat,
	SYS_openat, /* content, and directories one below the other */
	SYS_read,   /* the stream */
	SYS_pread64,
	SYS_fstat,
	SYS_flistxattr,
	SYS_close,
	SYS_readlinkat,
	SYS_openat2, /* parents, with RESOLVE_IN_ROOT */
	SYS_lseek,   /* holes */
	SYS_fgetxattr,
	SYS_fchdir, /* attributes of what is not opened are read by names of the working directory
		     */
	SYS_llistxattr,
	SYS_lgetxattr,
	SYS_getdents64, /* what is in the tree besides */
	SYS_write,	/* what differs; the report */
#ifdef SYS_poll
	SYS_poll,
#endif
	SYS_ppoll,
	SYS_brk,
	SYS_mmap,
	SYS_munmap,
	SYS_mremap,
	SYS_mprotect,
	SYS_madvise,
	SYS_futex,
	SYS_clock_gettime,
	SYS_rt_sigprocmask, /* abort(3) of a library, so that it is seen as one */
	SYS_rt_sigreturn,
	SYS_restart_syscall,
	SYS_exit_group,
	-1,
};

/* Nobody calls these by mistake: the process is killed, and the monitor says so. */
static const int forbidden_calls[] = {
	SYS_execve,
	SYS_execveat,
	SYS_socket,
	SYS_ptrace,
	SYS_mount,
	SYS_bpf,
	SYS_io_uring_setup,
	SYS_keyctl,
	SYS_clone,
	SYS_clone3,
	SYS_unshare,
	SYS_setns,
	-1,
};

/* Jumps reach 255 lines. */
enum { PROGRAM_MAX = 160 };

/* Where a jump leads: to the next line, or to one of the returns, which come last. */
enum end { END_NONE, END_DENY, END_ALLOW, END_NO_SUCH_CALL, END_KILL, END_COUNT };

struct program {
	struct sock_filter lines[PROGRAM_MAX];
	enum end ends_if_true[PROGRAM_MAX];
	enum end ends_if_false[PROGRAM_MAX];
	unsigned short count;
};

static void add(struct program *program, struct sock_filter line)
{
	if (program->count == PROGRAM_MAX)
		abort(); /* a list has grown: every test would see it */
	program->lines[program->count++] = line;
}

static void add_load(struct program *program, size_t offset)
{
	add(program, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

static void add_return(struct program *program, uint32_t action)
{
	add(program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

/* With what was loaded; a test that leads to END_NONE goes on behind skipped lines. */
static void add_jump(
	struct program *program, struct sock_filter line, enum end if_true, enum end if_false)
{
	program->ends_if_true[program->count] = if_true;
	program->ends_if_false[program->count] = if_false;
	add(program, line);
}

/* If the number is this one: the end. */
static void add_plain_rule(struct program *program, int number, enum end end)
{
	add_jump(program,
		(struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 0),
		end, END_NONE);
}

/* If the number is this one: what the so many lines that follow say. There the walk ends. */
static void add_condition(struct program *program, int number, unsigned char lines)
{
	add(program, (struct sock_filter)BPF_JUMP(
			     BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, lines));
}

/* The lower half, which is all that the kernel looks at of an int. */
static void add_load_argument(struct program *program, size_t argument)
{
	add_load(program, offsetof(struct seccomp_data, args) + argument * sizeof(uint64_t));
}

static void add_bits_test(struct program *program, uint32_t bits, enum end if_any, enum end if_none)
{
	add_jump(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, 0, 0),
		if_any, if_none);
}

static void add_protection_rule(struct program *program)
{
	add_condition(program, SYS_mprotect, 2);
	add_load_argument(program, 2);
	add_bits_test(program, PROT_EXEC, END_KILL, END_ALLOW);
}

static void add_mapping_rule(struct program *program)
{
	add_condition(program, SYS_mmap, 4);
	add_load_argument(program, 2);
	add_bits_test(program, PROT_EXEC, END_KILL, END_NONE);
	add_load_argument(program, 3);
	add_bits_test(program, MAP_ANONYMOUS, END_ALLOW, END_DENY);
}

static void add_reading_rule(struct program *program, int number)
{
	add_condition(program, number, 3);
	add_load_argument(program, 0);
	add_jump(program,
		(struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, STDOUT_FILENO, 0, 0),
		END_DENY, END_NONE);
	add_jump(program,
		(struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, STDERR_FILENO, 0, 0),
		END_DENY, END_ALLOW);
}

/*
 * glibc asks for clone3(2) first, whose flags lie in memory that a filter cannot read:
 * there is no such call, and glibc asks for the old one.
 */
static void add_thread_rule(struct program *program)
{
	const uint32_t of_a_thread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SYSVSEM |
				     CLONE_SIGHAND | CLONE_THREAD | CLONE_SETTLS |
				     CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;

	add_condition(program, SYS_clone, 2);
	add_load_argument(program, 0);
	add_jump(program,
		(struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, of_a_thread, 0, 0),
		END_ALLOW, END_KILL);
	add_plain_rule(program, SYS_clone3, END_NO_SUCH_CALL);
}

static void add_rule(struct program *program, int number)
{
	if (number == SYS_mmap)
		add_mapping_rule(program);
	else if (number == SYS_mprotect)
		add_protection_rule(program);
	else if (number == SYS_read || number == SYS_pread64)
		add_reading_rule(program, number);
	else if (number == SYS_clone)
		add_thread_rule(program);
	else
		add_plain_rule(program, number, END_ALLOW);
}

/* One return for all that lead to it: a filter half as long is put up in half the time. */
static void add_ends(struct program *program)
{
	const unsigned short before = program->count;
	unsigned short at[END_COUNT] = { 0 };

	/* Where the walk ends when no line was about this call. */
	at[END_DENY] = program->count;
	add_return(program, SECCOMP_RET_TRAP);
	at[END_ALLOW] = program->count;
	add_return(program, SECCOMP_RET_ALLOW);
	at[END_NO_SUCH_CALL] = program->count;
	add_return(program, SECCOMP_RET_ERRNO | ENOSYS);
	at[END_KILL] = program->count;
	add_return(program, SECCOMP_RET_KILL_PROCESS);
	for (unsigned short i = 0; i < before; i++) {
		const enum end if_true = program->ends_if_true[i];
		const enum end if_false = program->ends_if_false[i];
		if (if_true != END_NONE)
			program->lines[i].jt = (unsigned char)(at[if_true] - i - 1);
		if (if_false != END_NONE)
			program->lines[i].jf = (unsigned char)(at[if_false] - i - 1);
	}
}

static void build(struct program *program, const int *calls)
{
	*program = (struct program){ 0 };
	add_load(program, offsetof(struct seccomp_data, arch));
	add_jump(program,
		(struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OAKUM_AUDIT_ARCH, 0, 0),
		END_NONE, END_KILL);
	add_load(program, offsetof(struct seccomp_data, nr));
	for (const int *number = calls; *number >= 0; number++)
		add_rule(program, *number);
	for (const int *number = forbidden_calls; *number >= 0; number++)
		add_plain_rule(program, *number, END_KILL);
	add_ends(program);
}

static atomic_uint denied_count;
static atomic_uint denied_first;

/* The call was not made: it gets ENOSYS, and is counted, for it is a gap in a list or worse. */
static void deny_call(int signal_number, siginfo_t *info, void *context)
{
	ucontext_t *user = context;

	(void)signal_number;
	if (atomic_fetch_add(&denied_count, 1) == 0)
		atomic_store(&denied_first, (unsigned int)info->si_syscall);
#if defined(__x86_64__)
	user->uc_mcontext.gregs[REG_RAX] = -ENOSYS;
#else
	user->uc_mcontext.regs[0] = (unsigned long long)-ENOSYS;
#endif
}

void jail_denied_calls(uint32_t *count, uint32_t *first)
{
	*count = atomic_load(&denied_count);
	*first = atomic_load(&denied_first);
}

int seccomp_allow(const int *calls, struct oakum_error *err)
{
	struct program program;

	build(&program, calls);
#ifndef OAKUM_SANITIZED /* sanitizers make calls of their own: their builds do without, at level 0 \
			 */
	struct sock_fprog filter = { .len = program.count, .filter = program.lines };
	if (sys_seccomp(SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &filter) != 0)
		return fail(err, errno, "seccomp", NULL);
#else
	(void)err;
#endif
	return 0;
}

static const int *calls_of(enum role role)
{
	switch (role) {
	case ROLE_MONITOR:
		return seccomp_monitor_calls;
	case ROLE_DECOMPRESSOR:
		return seccomp_decompressor_calls;
	case ROLE_UNPACKER:
		return seccomp_unpacker_calls;
	case ROLE_PACKER:
		return seccomp_packer_calls;
	case ROLE_LISTER:
		return seccomp_lister_calls;
	case ROLE_VERIFIER:
		return seccomp_verifier_calls;
	case ROLE_HASHER:
		return seccomp_codec_calls;
	}
	__builtin_unreachable();
}

int jail_seal(enum role role, uint32_t *walls, struct oakum_error *err)
{
	struct sigaction action = { .sa_sigaction = deny_call, .sa_flags = SA_SIGINFO };
	int r;

	if (sigaction(SIGSYS, &action, NULL) < 0)
		return fail(err, errno, "sigaction", NULL);
	r = seccomp_allow(calls_of(role), err);
	if (r < 0)
		return r;
#ifndef OAKUM_SANITIZED
	*walls |= OAKUM_WALL_SECCOMP;
#else
	(void)walls;
#endif
	return 0;
}

/* Every codec lives on memory that was set aside: one list serves all without threads. */
int jail_narrow(struct oakum_error *err)
{
	return seccomp_allow(seccomp_codec_calls, err);
}

int jail_narrow_to_threads(struct oakum_error *err)
{
	return seccomp_allow(seccomp_threaded_codec_calls, err);
}
