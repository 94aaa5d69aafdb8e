/* SPDX-License-Identifier: Apache-2.0 */
/* The fixed record that comes up: sent whole, received suspiciously. */
#ifndef OAKUM_WIRE_REPORT_H
#define OAKUM_WIRE_REPORT_H

#include <limits.h>
#include <oakum/oakum.h>
#include <stdbool.h>
#include <stdint.h>

enum report_role {
	REPORT_FROM_DECOMPRESSOR = 1,
	REPORT_FROM_UNPACKER,
	REPORT_FROM_MONITOR,
	REPORT_FROM_PACKER,
	REPORT_FROM_LISTER,
	REPORT_FROM_VERIFIER,
	REPORT_FROM_LAYER_HASHER,
	REPORT_FROM_STREAM_HASHER,
};

enum {
	REPORT_MAGIC = 0x6f616b31, /* "oak1" */
	REPORT_VERSION = 1,
};

/*
 * One struct, one packet of a SOCK_SEQPACKET. Its writer may by then be an
 * attacker and its reader has privileges: so there is nothing in it to parse,
 * every field has a range, and its text is data.
 */
struct report {
	uint32_t magic;
	uint32_t version;
	uint32_t role;	      /* enum report_role */
	uint32_t ended_early; /* 1: the failure is that the stream was cut off */
	int32_t result;	      /* 0, or -errno as in error.code */
	uint32_t reserved;
	struct oakum_stats stats; /* .digest: of a hasher, what it has read to the end */
	struct oakum_error error; /* .code == 0: success */
	uint32_t checksum;	  /* CRC-32C of all before it; last */
};
_Static_assert(sizeof(struct report) <= PIPE_BUF, "one write(2) must be atomic");

/* A report of success from role, all zero but for that. */
void report_init(struct report *report, enum report_role role);

/* Seals (checksum) and sends it as one packet with write(2) alone; 0 or -errno. */
int report_send(int fd, struct report *report);

/*
 * Receives one packet without waiting. Returns 1 with a report that was found
 * good in every field, 0 when there is none (*ended tells: and never will be),
 * or -EPROTO for a packet that is not one from role.
 */
int report_receive(int fd, enum report_role role, struct report *report, bool *ended);

#endif
