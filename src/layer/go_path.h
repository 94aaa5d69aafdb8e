/* SPDX-License-Identifier: Apache-2.0 */
/* Lexical paths as Go's package path/filepath has them: what containers/storage calls a path. */
#ifndef OAKUM_LAYER_GO_PATH_H
#define OAKUM_LAYER_GO_PATH_H

#include <stdbool.h>

/*
 * Clean(name): double slashes, "." and "x/.." are gone, ".." right after the root too; "" is
 * ".". buffer may be name itself; it needs strlen(name) + 2 bytes.
 */
void go_path_clean(const char *name, char *buffer);

/*
 * Join(directory, name), of an absolute clean directory, without its leading slash: a path
 * below the root that cannot leave it; "" is the root. buffer needs the length of both
 * and 3 bytes.
 */
void go_path_join(const char *directory, const char *name, char *buffer);

#endif
