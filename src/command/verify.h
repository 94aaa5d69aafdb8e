/* SPDX-License-Identifier: Apache-2.0 */
/* oakum verify: a layer and a directory -> what differs, on standard output. */
#ifndef OAKUM_COMMAND_VERIFY_H
#define OAKUM_COMMAND_VERIFY_H

#include "command/option.h"

extern const struct command_use verify_use;

/* argv without "oakum verify". Returns the exit status. */
int verify_main(int argc, char **argv);

#endif
