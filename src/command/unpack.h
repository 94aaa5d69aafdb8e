/* SPDX-License-Identifier: Apache-2.0 */
/* oakum unpack [options] LAYER ROOTFS */
#ifndef OAKUM_COMMAND_UNPACK_H
#define OAKUM_COMMAND_UNPACK_H

#include "command/option.h"

extern const struct command_use unpack_use;

/* argv without "unpack"; the exit status. */
int unpack_main(int argc, char **argv);

/* What `oakum unpack --help` shows. */
#endif
