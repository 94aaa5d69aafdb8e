/* SPDX-License-Identifier: Apache-2.0 */
#include "support/host_state.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <oakum/oakum.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void note_fd(int fd, struct host_fd *noted)
{
	struct stat status = { 0 };

	(void)fstat(fd, &status);
	*noted = (struct host_fd){
		.fd = fd,
		.fd_flags = fcntl(fd, F_GETFD),
		.file_flags = fcntl(fd, F_GETFL),
		.device = status.st_dev,
		.inode = status.st_ino,
	};
}

static int compare_fds(const void *left, const void *right)
{
	return ((const struct host_fd *)left)->fd - ((const struct host_fd *)right)->fd;
}

static void count_fds(struct host_state *state)
{
	DIR *directory = opendir("/proc/self/fd");
	struct dirent *name;

	state->open_fds = 0;
	state->open_fds_above = 0;
	if (directory == NULL)
		abort();
	while ((name = readdir(directory)) != NULL) {
		int fd = atoi(name->d_name);
		if (!isdigit((unsigned char)name->d_name[0]) || fd == dirfd(directory))
			continue;
		if (fd < HOST_FDS_MAX)
			note_fd(fd, &state->fds[state->open_fds++]);
		else
			state->open_fds_above++;
	}
	closedir(directory);
	qsort(state->fds, (size_t)state->open_fds, sizeof(state->fds[0]), compare_fds);
}

struct process {
	pid_t pid;
	pid_t parent;
	char comm[32];
};

static bool read_process(const char *pid, struct process *process)
{
	char path[64];
	char text[512] = "";
	char state;
	int parent;

	snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ssize_t got = read(fd, text, sizeof(text) - 1);
	close(fd);
	char *open_bracket = strchr(text, '(');
	char *close_bracket = strrchr(text, ')');
	if (got <= 0 || open_bracket == NULL || close_bracket == NULL ||
		sscanf(close_bracket + 1, " %c %d", &state, &parent) != 2)
		return false;
	*close_bracket = '\0';
	process->pid = atoi(pid);
	process->parent = parent;
	snprintf(process->comm, sizeof(process->comm), "%s", open_bracket + 1);
	return true;
}

enum { MAX_PROCESSES = 4096 };

static int list_processes(struct process *processes)
{
	DIR *directory = opendir("/proc");
	struct dirent *name;
	int count = 0;

	if (directory == NULL)
		abort();
	while ((name = readdir(directory)) != NULL && count < MAX_PROCESSES) {
		if (isdigit((unsigned char)name->d_name[0]) &&
			read_process(name->d_name, &processes[count]))
			count++;
	}
	closedir(directory);
	return count;
}

static bool descends_from_us(const struct process *processes, int count, pid_t pid)
{
	for (int steps = 0; steps < 8 && pid > 1; steps++) {
		pid_t parent = 0;
		for (int i = 0; i < count; i++) {
			if (processes[i].pid == pid)
				parent = processes[i].parent;
		}
		if (parent == getpid())
			return true;
		pid = parent;
	}
	return false;
}

static bool has_parent_among(
	const struct process *processes, int count, const pid_t *pids, int found, pid_t pid)
{
	for (int i = 0; i < count; i++) {
		for (int j = 0; processes[i].pid == pid && j < found; j++) {
			if (processes[i].parent == pids[j])
				return true;
		}
	}
	return false;
}

/* In the order in which they were made: numbers begin anew when they are used up. */
static void begin_with_oldest(const struct process *processes, int count, pid_t *pids, int found)
{
	for (int i = 0; i < found && has_parent_among(processes, count, pids, found, pids[0]);
		i++) {
		const pid_t first = pids[0];
		memmove(pids, pids + 1, (size_t)(found - 1) * sizeof(*pids));
		pids[found - 1] = first;
	}
}

static int find_descendants(const char *comm, pid_t *pids, int max)
{
	static _Thread_local struct process processes[MAX_PROCESSES];
	int count = list_processes(processes);
	int found = 0;

	for (int i = 0; i < count; i++) {
		if (!descends_from_us(processes, count, processes[i].pid))
			continue;
		if (comm != NULL && strncmp(processes[i].comm, comm, strlen(comm)) != 0)
			continue;
		if (found < max)
			pids[found] = processes[i].pid;
		found++;
	}
	found = found < max || pids == NULL ? found : max;
	if (pids != NULL)
		begin_with_oldest(processes, count, pids, found);
	return found;
}

int host_count_descendants(void)
{
	return find_descendants(NULL, NULL, 0);
}

int host_find_helpers(pid_t *pids, int max)
{
	return find_descendants("memfd:oakum", pids, max);
}

/* FNV-1a over all strings and where they end. */
static uint64_t hash_environment(void)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (char **name = environ; name != NULL && *name != NULL; name++) {
		for (const char *at = *name;; at++) {
			hash = (hash ^ (unsigned char)*at) * UINT64_C(0x100000001b3);
			if (*at == '\0')
				break;
		}
	}
	return hash;
}

void host_state_take(struct host_state *state)
{
	memset(state, 0, sizeof(*state));
	count_fds(state);
	state->children = host_count_descendants();
	state->umask = umask(0);
	umask(state->umask);
	if (getcwd(state->cwd, sizeof(state->cwd)) == NULL)
		abort();
	sigprocmask(SIG_SETMASK, NULL, &state->mask);
	for (int number = 1; number < NSIG; number++)
		(void)sigaction(number, NULL, &state->actions[number]);
	for (int i = 0; i < RLIM_NLIMITS; i++)
		(void)getrlimit((__rlimit_resource_t)i, &state->limits[i]);
	state->environment = hash_environment();
}

static bool same(const char *what, bool is_same)
{
	if (!is_same)
		fprintf(stderr, "the host's %s changed\n", what);
	return is_same;
}

static bool have_same_fds(const struct host_state *before, const struct host_state *after)
{
	for (int i = 0; i < before->open_fds; i++) {
		const struct host_fd *one = &before->fds[i];
		const struct host_fd *other = &after->fds[i];
		if (one->fd != other->fd || one->fd_flags != other->fd_flags ||
			one->file_flags != other->file_flags || one->device != other->device ||
			one->inode != other->inode)
			return false;
	}
	return true;
}

/* libc adds a flag of its own to what was ever set, also to what was set back. */
static bool is_same_action(const struct sigaction *before, const struct sigaction *after)
{
	const int of_libc = 0x04000000; /* SA_RESTORER */

	return before->sa_handler == after->sa_handler &&
	       (before->sa_flags | of_libc) == (after->sa_flags | of_libc);
}

bool host_state_is_the_same(const struct host_state *before, const struct host_state *after)
{
	bool is_same = same("descriptors below 64",
		before->open_fds == after->open_fds && have_same_fds(before, after));

	is_same &= same("descriptors from 64", before->open_fds_above == after->open_fds_above);
	is_same &= same("children", before->children == after->children);
	is_same &= same("umask", before->umask == after->umask);
	is_same &= same("working directory", strcmp(before->cwd, after->cwd) == 0);
	is_same &= same("signal mask", memcmp(&before->mask, &after->mask, sizeof(sigset_t)) == 0);
	is_same &= same("resource limits",
		memcmp(before->limits, after->limits, sizeof(before->limits)) == 0);
	is_same &= same("environment", before->environment == after->environment);
	for (int number = 1; number < NSIG; number++)
		is_same &= same("signal actions",
			is_same_action(&before->actions[number], &after->actions[number]));
	return is_same;
}

static struct host_state noted;

int host_note(void **state)
{
	(void)state;
	oakum_trim();
	host_state_take(&noted);
	return 0;
}

int host_check(void **state)
{
	struct host_state now;

	(void)state;
	oakum_trim();
	host_state_take(&now);
	return host_state_is_the_same(&noted, &now) ? 0 : -1;
}
