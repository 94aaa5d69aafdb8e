/* SPDX-License-Identifier: Apache-2.0 */
#include "host/reaper.h"

#include "base/sys.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

/* The kernel tells that a process is dead a moment before it tells how: 62 us were seen. */
enum { INFO_TRIES = 200, INFO_TRY_MS = 1 };

/*
 * One lock for all that is the library's in this process. Held for microseconds; nested,
 * for a host delivers under it. Signals are blocked in the thread that holds it, so that
 * a handler, which may reap, never waits for the very thread that it has interrupted.
 */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Of each thread; in static memory, for a handler may be the first to ask. */
static _Thread_local __attribute__((tls_model("initial-exec"))) unsigned int lock_depth;

/* guarded by lock */
static sigset_t mask_before;
static int cancel_state_before;
static struct reaper_entry *entries;
static struct oakum_lock_ops host_lock;
static void *host_lock_user;

/* Ours are not the children of the new process. */
static void begin_again(void)
{
	entries = NULL;
	oakum_reaper_unlock();
}

/*
 * A fork(2) of another thread waits for the lock, and its child gets it free. When the library is
 * loaded, for later may be in a handler.
 */
__attribute__((constructor)) static void follow_forks(void)
{
	pthread_atfork(oakum_reaper_lock, oakum_reaper_unlock, begin_again);
}

void oakum_reaper_lock(void)
{
	sigset_t all;
	sigset_t before;
	int cancel_state;

	if (lock_depth > 0) { /* signals are blocked already */
		lock_depth++;
		return;
	}
	/* A thread that is cancelled would take the lock with it. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_mutex_lock(&lock);
	lock_depth = 1;
	mask_before = before;
	cancel_state_before = cancel_state;
}

void oakum_reaper_unlock(void)
{
	sigset_t before;
	int cancel_state;

	if (--lock_depth > 0)
		return;
	before = mask_before;
	cancel_state = cancel_state_before;
	pthread_mutex_unlock(&lock);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_setcancelstate(cancel_state, NULL);
}

void oakum_reaper_set_lock(const struct oakum_lock_ops *ops, void *user)
{
	oakum_reaper_lock();
	host_lock = ops != NULL ? *ops : (struct oakum_lock_ops){ NULL, NULL };
	host_lock_user = user;
	oakum_reaper_unlock();
}

/* --- the registry --- */

static struct reaper_entry *find(pid_t pid)
{
	struct reaper_entry *entry = entries;

	while (entry != NULL && entry->pid != pid)
		entry = entry->next;
	return entry;
}

static void unlist(const struct reaper_entry *entry)
{
	struct reaper_entry **link = &entries;

	while (*link != NULL && *link != entry)
		link = &(*link)->next;
	if (*link != NULL)
		*link = entry->next;
}

static void release_host_lock(struct reaper_entry *entry)
{
	if (entry->host_lock.release != NULL)
		entry->host_lock.release(entry->host_lock_user);
	entry->host_lock = (struct oakum_lock_ops){ NULL, NULL };
}

/* The host's lock first and outside ours: its reaper calls us while it holds its own. */
void reaper_start_begin(struct reaper_entry *entry, bool takes_host_lock)
{
	*entry = (struct reaper_entry){ .pidfd = -1 };
	oakum_reaper_lock();
	if (takes_host_lock) {
		entry->host_lock = host_lock;
		entry->host_lock_user = host_lock_user;
	}
	oakum_reaper_unlock();
	if (entry->host_lock.acquire != NULL)
		entry->host_lock.acquire(entry->host_lock_user);
	oakum_reaper_lock();
}

void reaper_start_end(struct reaper_entry *entry, bool was_started)
{
	if (was_started) {
		entry->next = entries;
		entries = entry;
	}
	oakum_reaper_unlock();
	if (!was_started)
		release_host_lock(entry);
}

/* --- how a process ended --- */

static int status_of(const siginfo_t *info)
{
	if (info->si_code == CLD_EXITED)
		return W_EXITCODE(info->si_status, 0);
	return W_EXITCODE(0, info->si_status) | (info->si_code == CLD_DUMPED ? WCOREFLAG : 0);
}

/* Never waits: false if there is nothing to collect, or somebody was faster. */
static bool wait_for(idtype_t kind, id_t id, int *wait_status)
{
	siginfo_t info = { 0 };

	if (waitid(kind, id, &info, WEXITED | WNOHANG | __WALL) < 0 || info.si_pid == 0)
		return false;
	*wait_status = status_of(&info);
	return true;
}

static bool ask_kernel(int pidfd, int *wait_status)
{
	for (int tries = 0; tries < INFO_TRIES; tries++) {
		struct pidfd_info_v0 info = { .mask = SYS_PIDFD_INFO_EXIT };
		struct pollfd until_reaped = { .fd = pidfd, .events = 0 };
		if (sys_pidfd_get_info(pidfd, &info) < 0)
			return false;
		if ((info.mask & SYS_PIDFD_INFO_EXIT) != 0) {
			*wait_status = info.exit_code;
			return true;
		}
		(void)poll(&until_reaped, 1, INFO_TRY_MS);
	}
	return false;
}

static enum status_source collect_locked(struct reaper_entry *entry, int *wait_status)
{
	unlist(entry);
	if (entry->was_reaped) {
		*wait_status = entry->wait_status;
		return STATUS_DELEGATED;
	}
	return wait_for(P_PIDFD, (id_t)entry->pidfd, wait_status) ? STATUS_WAITED : STATUS_UNKNOWN;
}

enum status_source reaper_collect(struct reaper_entry *entry, int *wait_status)
{
	int status = 0;

	oakum_reaper_lock();
	enum status_source source = collect_locked(entry, &status);
	oakum_reaper_unlock();
	release_host_lock(entry);
	if (wait_status == NULL)
		return source;
	if (source == STATUS_UNKNOWN && ask_kernel(entry->pidfd, &status))
		source = STATUS_KERNEL;
	*wait_status = status;
	return source;
}

bool reaper_is_dead(const struct reaper_entry *entry)
{
	siginfo_t info = { 0 };
	struct pollfd fd = { .fd = entry->pidfd, .events = POLLIN };
	int ready = poll(&fd, 1, 0);

	if (ready >= 0 || errno == EINTR)
		return ready > 0;
	/* A host may take all descriptors from itself (RLIMIT_NOFILE): poll(2) fails then. */
	return waitid(P_PIDFD, (id_t)entry->pidfd, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) <
		       0 ||
	       info.si_pid != 0;
}

void reaper_collect_heir(int pidfd)
{
	int unread;

	(void)wait_for(P_PIDFD, (id_t)pidfd, &unread);
}

/*
 * The number of the group cannot be used again as long as its leader was not reaped, or another
 * is in it. True if there is one that is alive.
 */
static bool collect_group_locked(struct reaper_entry *entry)
{
	siginfo_t info;

	do {
		info.si_pid = 0;
		if (waitid(P_PGID, (id_t)entry->pid, &info, WEXITED | WNOHANG | __WALL) < 0)
			return false;
		if (info.si_pid == entry->pid) {
			entry->was_reaped = true;
			entry->wait_status = status_of(&info);
		}
	} while (info.si_pid != 0);
	return true;
}

void reaper_collect_group(struct reaper_entry *entry, int max_ms)
{
	siginfo_t info = { 0 };
	bool has_living;

	oakum_reaper_lock();
	/* Where the leader went to another reaper, that one takes the rest as well. */
	has_living = waitid(P_PIDFD, (id_t)entry->pidfd, &info,
			     WEXITED | WNOHANG | WNOWAIT | __WALL) == 0 &&
		     collect_group_locked(entry);
	oakum_reaper_unlock();
	for (int i = 0; has_living && i < max_ms; i++) {
		(void)poll(NULL, 0, 1);
		oakum_reaper_lock();
		has_living = collect_group_locked(entry);
		oakum_reaper_unlock();
	}
}

/* --- the host's reaper --- */

int oakum_reaper_deliver(pid_t pid, int wait_status)
{
	siginfo_t info;

	oakum_reaper_lock();
	struct reaper_entry *entry = find(pid);
	/* Ours that can still be waited for was not what the host has waited for. */
	bool was_ours = entry != NULL && !entry->was_reaped &&
			waitid(P_PIDFD, (id_t)entry->pidfd, &info,
				WEXITED | WNOHANG | WNOWAIT | __WALL) < 0;
	if (was_ours) {
		entry->was_reaped = true;
		entry->wait_status = wait_status;
	}
	oakum_reaper_unlock();
	return was_ours ? 1 : 0;
}

struct reaped {
	pid_t pid; /* 0: nobody has ended */
	int wait_status;
	bool was_ours;
};

/*
 * By its pidfd, for a number alone can deceive: if a foreign reaper has taken a process of
 * ours, another may have its pid by now.
 */
static bool reap_ours(pid_t pid)
{
	struct reaper_entry *entry = find(pid);

	if (entry == NULL || entry->was_reaped)
		return false;
	entry->was_reaped = wait_for(P_PIDFD, (id_t)entry->pidfd, &entry->wait_status);
	return entry->was_reaped;
}

/*
 * Looks first and takes then, whoever it is: one that is only looked at stands in front of all
 * others for ever, for the kernel always shows the same one.
 */
static void reap_one_locked(struct reaped *reaped)
{
	siginfo_t info = { 0 };

	*reaped = (struct reaped){ 0 };
	while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0 &&
		info.si_pid != 0) {
		reaped->was_ours = reap_ours(info.si_pid);
		if (reaped->was_ours || wait_for(P_PID, (id_t)info.si_pid, &reaped->wait_status)) {
			reaped->pid = info.si_pid;
			return;
		}
		info.si_pid = 0; /* another reaper was faster: look again */
	}
}

int oakum_reaper_reap(oakum_orphan_fn *orphan, void *user)
{
	int saved_errno = errno;
	int orphans = 0;

	for (;;) {
		struct reaped reaped;
		oakum_reaper_lock();
		reap_one_locked(&reaped);
		oakum_reaper_unlock();
		if (reaped.pid == 0)
			break;
		if (reaped.was_ours)
			continue;
		orphans++;
		if (orphan != NULL)
			orphan(reaped.pid, reaped.wait_status, user);
	}
	errno = saved_errno;
	return orphans;
}
