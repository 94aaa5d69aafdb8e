/* SPDX-License-Identifier: Apache-2.0 */
/* Role: starts the decompressor and the unpacker, waits for both, judges who failed first, sends
 * one record. */
#ifndef OAKUM_MONITOR_MONITOR_H
#define OAKUM_MONITOR_MONITOR_H

#include <oakum/oakum.h>

/* The descriptors of every process of ours: the same number, the same thing. */
enum {
	FD_INPUT = 0,  /* the monitor's and decompressor's layer; the unpacker's tar stream */
	FD_OUTPUT = 1, /* the decompressor's tar stream */
	FD_TEXT = 2,   /* for the last words of a library that aborts */
	FD_REQUEST = 3,
	FD_ROOTFS = 4,
	FD_REPORT = 5,	 /* one packet comes up here */
	FD_CALLER = 6,	 /* a pidfd of the caller: readable when it has died */
	FD_PROGRESS = 7, /* a page to count in; closed if nobody looks on */
};

/* What a child does with its life, after it was given its descriptors; it does not return. */
typedef void role_life(const void *context);

struct monitor {
	role_life *decompressor; /* FD_INPUT, FD_OUTPUT, FD_REPORT */
	role_life *unpacker;	 /* FD_INPUT, FD_ROOTFS, FD_REPORT */
	const void *context;
};

/*
 * Runs both to their end and sends the record to FD_REPORT. The process has one
 * thread and the descriptors above. Returns 0 when the record went out.
 */
int monitor_run(const struct monitor *monitor);

#endif
