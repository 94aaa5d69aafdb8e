/* SPDX-License-Identifier: Apache-2.0 */
/* oakum list: what is in a layer, and what is wrong with it. */
#ifndef OAKUM_COMMAND_LIST_H
#define OAKUM_COMMAND_LIST_H

#include "command/option.h"

extern const struct command_use list_use;

#endif
