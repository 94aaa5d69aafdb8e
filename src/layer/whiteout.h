/* SPDX-License-Identifier: Apache-2.0 */
/* Recognise whiteouts (OCI image-spec, layer.md, "Whiteouts") and what AUFS left in layers. */
#ifndef OAKUM_LAYER_WHITEOUT_H
#define OAKUM_LAYER_WHITEOUT_H

enum whiteout {
	WHITEOUT_NONE,
	WHITEOUT_FILE,		/* .wh.NAME hides NAME beside it */
	WHITEOUT_OPAQUE,	/* .wh..wh..opq hides all of its directory */
	WHITEOUT_AUFS_METADATA, /* .wh..wh.NAME, and what lies below one: not for the rootfs */
	WHITEOUT_BAD, /* hides "", "." or "..": it would take its directory or the rootfs */
};

/* What a clean path is. ".wh." is special in the last component only. */
enum whiteout whiteout_kind(const char *path);

/*
 * The path that a WHITEOUT_FILE hides, or the directory that a WHITEOUT_OPAQUE
 * empties; written to buffer, which has strlen(path) + 1 bytes.
 */
void whiteout_target(const char *path, enum whiteout kind, char *buffer);

#endif
