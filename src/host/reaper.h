/* SPDX-License-Identifier: Apache-2.0 */
/* The registry of our processes, its lock, and the reaper that hands a host's orphans on. */
#ifndef OAKUM_HOST_REAPER_H
#define OAKUM_HOST_REAPER_H

#include <oakum/oakum.h>
#include <stdbool.h>
#include <sys/types.h>

/* One process of ours. Linked by its address: it stays where it is until it is collected. */
struct reaper_entry {
	pid_t pid; /* a foreign reaper may have freed it for another process */
	int pidfd; /* the caller's to close */
	bool was_reaped;
	int wait_status; /* if so */
	struct oakum_lock_ops host_lock;
	void *host_lock_user;
	struct reaper_entry *next;
};

/* Who said how a process ended, best first. */
enum status_source {
	STATUS_WAITED = 1, /* waitid(2): nobody was faster */
	STATUS_DELEGATED,  /* the host's reaper was, and told us */
	STATUS_KERNEL,	   /* somebody was, but the kernel remembers: Linux 6.15 */
	STATUS_UNKNOWN,
};

/*
 * Around the start of a process: takes the host's own lock, if there is one and it is not
 * held for another process already, and the registry's, so that no reaper can meet a
 * child before it is listed.
 */
void reaper_start_begin(struct reaper_entry *entry, bool takes_host_lock);

/* Lists it, with its pid and pidfd, if it was started. */
void reaper_start_end(struct reaper_entry *entry, bool was_started);

/*
 * Takes the status of a process whose pidfd is readable, unlists it and gives the host's lock
 * back. wait_status is as of waitpid(2), 0 if unknown; NULL: nobody wants to know, and
 * nothing is asked twice.
 */
enum status_source reaper_collect(struct reaper_entry *entry, int *wait_status);

/* Has it ended? Never waits. */
bool reaper_is_dead(const struct reaper_entry *entry);

/* Leaves no zombie of a dead process whose parent died, if it has become the caller's child. */
void reaper_collect_heir(int pidfd);

/*
 * The same where nobody knows the heirs: the dead process, which led a group of its own, was
 * killed before it could name them. Waits for the living ones, which die at once, at most max_ms.
 */
void reaper_collect_group(struct reaper_entry *entry, int max_ms);

#endif
