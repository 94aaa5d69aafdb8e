/* SPDX-License-Identifier: Apache-2.0 */
/* One entry -> one line. Pure, but for the sink that it goes to. */
#ifndef OAKUM_LISTER_LINE_H
#define OAKUM_LISTER_LINE_H

#include "base/sink.h"
#include "layer/entry.h"
#include "layer/whiteout.h"

/* What a line is about; all borrowed. */
struct listed {
	const struct entry *entry;
	enum whiteout whiteout; /* WHITEOUT_NONE, _FILE or _OPAQUE */
	const char *hides;	/* of a whiteout: the clean path that it hides, or empties */
};

/* How wide the columns of the text are by now: as in GNU tar, they grow with what comes. */
struct columns {
	size_t owner_and_size;
	size_t time;
};

void columns_init(struct columns *columns);

/* As `tar -tv --numeric-owner --full-time --utc` of GNU tar. */
void line_add_text(struct columns *columns, const struct listed *listed, struct sink *sink);

/* liboakum(3), "LISTINGS", has the keys. */
void line_add_json(const struct listed *listed, struct sink *sink);

#endif
