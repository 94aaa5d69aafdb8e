/* SPDX-License-Identifier: Apache-2.0 */
/* The user namespace of an unpack: entered by the monitor, before there is any child. */
#ifndef OAKUM_HELPER_NAMESPACE_H
#define OAKUM_HELPER_NAMESPACE_H

#include "wire/request.h"

/*
 * Enters the one that the request asks for. Then request->user_namespace says whether there
 * is one, and the maps in the request are those of ids in it, which the kernel maps on. With
 * AUTO and a minimum of OAKUM_LEVEL_OPENAT2 one that cannot be had is done without.
 */
int namespace_enter(struct request *request, struct oakum_error *err);

#endif
