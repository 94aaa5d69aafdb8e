/* SPDX-License-Identifier: Apache-2.0 */
#include "support/host_state.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
		if (fd < 64)
			state->open_fds++;
		else
			state->open_fds_above++;
	}
	closedir(directory);
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
	return found < max || pids == NULL ? found : max;
}

int host_count_descendants(void)
{
	return find_descendants(NULL, NULL, 0);
}

int host_find_helpers(pid_t *pids, int max)
{
	return find_descendants("memfd:oakum", pids, max);
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
}

static bool same(const char *what, bool is_same)
{
	if (!is_same)
		fprintf(stderr, "the host's %s changed\n", what);
	return is_same;
}

bool host_state_is_the_same(const struct host_state *before, const struct host_state *after)
{
	bool is_same = same("descriptors below 64", before->open_fds == after->open_fds);

	is_same &= same("descriptors from 64", before->open_fds_above == after->open_fds_above);
	is_same &= same("children", before->children == after->children);
	is_same &= same("umask", before->umask == after->umask);
	is_same &= same("working directory", strcmp(before->cwd, after->cwd) == 0);
	is_same &= same("signal mask", memcmp(&before->mask, &after->mask, sizeof(sigset_t)) == 0);
	for (int number = 1; number < NSIG; number++)
		is_same &= same("signal actions",
			before->actions[number].sa_handler == after->actions[number].sa_handler &&
				before->actions[number].sa_flags ==
					after->actions[number].sa_flags);
	return is_same;
}
