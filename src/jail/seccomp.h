/* SPDX-License-Identifier: Apache-2.0 */
/* One allow-list of system calls a role, each line with its reason. */
#ifndef OAKUM_JAIL_SECCOMP_H
#define OAKUM_JAIL_SECCOMP_H

#include "jail/jail.h"

/*
 * The lists are public for the test that holds them against what the suite
 * really calls. Each ends with -1.
 */
extern const int seccomp_monitor_calls[];
extern const int seccomp_decompressor_calls[];
extern const int seccomp_codec_calls[];
extern const int seccomp_threaded_codec_calls[];
extern const int seccomp_unpacker_calls[];
extern const int seccomp_packer_calls[];
extern const int seccomp_lister_calls[];
extern const int seccomp_verifier_calls[];

/* Allows the calls of the list, to all threads, for good; 0 or -errno. */
int seccomp_allow(const int *calls, struct oakum_error *err);

#endif
