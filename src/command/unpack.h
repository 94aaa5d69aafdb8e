/* SPDX-License-Identifier: Apache-2.0 */
/* oakum unpack [options] LAYER ROOTFS */
#ifndef OAKUM_COMMAND_UNPACK_H
#define OAKUM_COMMAND_UNPACK_H

/* argv without "unpack"; the exit status. */
int unpack_main(int argc, char **argv);

/* What `oakum unpack --help` shows. */
void unpack_print_help(void);

#endif
