/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regular expressions as Go's package regexp has them (RE2 syntax), as far as an exclude pattern
 * can bring them in: no flags, no lazy forms, no \Q, \p or \C. Time is linear in the text, whatever
 * the expression. Pure.
 */
#ifndef OAKUM_LAYER_REGEX_H
#define OAKUM_LAYER_REGEX_H

#include <stdbool.h>
#include <stddef.h>

struct regex;

/*
 * -EINVAL: it is none, or it is too large (20,000 steps, 250 parentheses deep); -ENOMEM. Bytes that
 * are no UTF-8 stand for U+FFFD, here and in the text.
 */
int regex_new(const char *expression, struct regex **regex);
void regex_free(struct regex *regex);

/* Does it match anywhere in the text? Not from two threads at once. */
bool regex_search(struct regex *regex, const char *text);

#endif
