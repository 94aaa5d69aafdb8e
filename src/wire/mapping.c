/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/mapping.h"

#include <errno.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

static const char question = '?';
static const char yes = 'y';
static const char no = 'n';

static bool is_of_one_id(const struct oakum_id_range *map, uint32_t id)
{
	return map != NULL && map[0].count == 1 && map[0].host == id && map[1].count == 0;
}

bool mapping_is_of_own_ids(const struct request *request, uint32_t uid, uint32_t gid)
{
	return is_of_one_id(request->uid_map, uid) && is_of_one_id(request->gid_map, gid);
}

int mapping_ask(int fd)
{
	return send(fd, &question, 1, MSG_NOSIGNAL) == 1 ? 0 : -errno;
}

bool mapping_is_asked(int fd)
{
	char byte[2];

	/* A packet of one byte: a record is longer, and is left where it is. */
	if (recv(fd, byte, sizeof(byte), MSG_PEEK | MSG_DONTWAIT) != 1 || byte[0] != question)
		return false;
	return recv(fd, byte, sizeof(byte), MSG_DONTWAIT) == 1;
}

void mapping_answer(int fd, bool is_done)
{
	(void)send(fd, is_done ? &yes : &no, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

int mapping_take_answer(int fd)
{
	char byte = 0;
	ssize_t got = recv(fd, &byte, 1, MSG_DONTWAIT);

	if (got < 0)
		return -errno;
	return got == 1 && byte == yes ? 0 : -EPERM;
}
