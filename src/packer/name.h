/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clean paths as text, by the rules of Go's path/filepath, for names must come out as its
 * programs make them. Nothing here says that a path is safe. Pure.
 */
#ifndef OAKUM_PACKER_NAME_H
#define OAKUM_PACKER_NAME_H

#include "packer/bytes.h"

/* Where the last component of a clean name starts; of "/" it is "/". */
const char *name_base(const char *name);

/*
 * How target is reached from base, both clean and absolute: "." when they are
 * one. NULL: no memory. Points into target, or to buffer or a constant.
 */
const char *name_relative(const char *base, const char *target, struct bytes *buffer);

#endif
