/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/key.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

int key_make_secret(struct key_secret *secret)
{
	return getrandom(secret, sizeof(*secret), 0) == (ssize_t)sizeof(*secret) ? 0 : -errno;
}

/* SipHash-2-4 (Aumasson and Bernstein, 2012). */
struct state {
	uint64_t v[4];
};

static uint64_t rotate(uint64_t value, unsigned int bits)
{
	return value << bits | value >> (64 - bits);
}

static void mix(struct state *state, int rounds)
{
	uint64_t *v = state->v;

	for (; rounds > 0; rounds--) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = rotate(v[1], 13) ^ v[0];
		v[3] = rotate(v[3], 16) ^ v[2];
		v[0] = rotate(v[0], 32) + v[3];
		v[2] += v[1];
		v[3] = rotate(v[3], 21) ^ v[0];
		v[1] = rotate(v[1], 17) ^ v[2];
		v[2] = rotate(v[2], 32);
	}
}

static void take(struct state *state, uint64_t word)
{
	state->v[3] ^= word;
	mix(state, 2);
	state->v[0] ^= word;
}

static uint64_t hash(
	const struct key_secret *secret, const uint64_t head[2], const char *name, size_t length)
{
	struct state state = { {
		secret->words[0] ^ UINT64_C(0x736f6d6570736575),
		secret->words[1] ^ UINT64_C(0x646f72616e646f6d),
		secret->words[0] ^ UINT64_C(0x6c7967656e657261),
		secret->words[1] ^ UINT64_C(0x7465646279746573),
	} };
	uint64_t word;
	size_t left = length;

	take(&state, head[0]);
	take(&state, head[1]);
	for (; left >= sizeof(word); left -= sizeof(word), name += sizeof(word)) {
		memcpy(&word, name, sizeof(word));
		take(&state, word);
	}
	word = 0;
	memcpy(&word, name, left);
	take(&state, word | (uint64_t)length << 56);
	state.v[2] ^= 0xff;
	mix(&state, 4);
	word = state.v[0] ^ state.v[1] ^ state.v[2] ^ state.v[3];
	return word == 0 ? 1 : word;
}

uint64_t key_in(const struct key_secret *secret, const struct inode *directory, const char *name,
	size_t length)
{
	const uint64_t head[2] = { (uint64_t)directory->number, (uint64_t)directory->device };

	return hash(secret, head, name, length);
}

/* No device has the number of the second word. */
uint64_t key_below(
	const struct key_secret *secret, uint64_t directory, const char *name, size_t length)
{
	const uint64_t head[2] = { directory, UINT64_MAX };

	return hash(secret, head, name, length);
}
