/* SPDX-License-Identifier: Apache-2.0 */
/* oakum pack: a rootfs in, a layer out. */
#ifndef OAKUM_COMMAND_PACK_H
#define OAKUM_COMMAND_PACK_H

#include "command/option.h"

extern const struct command_use pack_use;

int pack_main(int argc, char **argv);
#endif
