/* SPDX-License-Identifier: Apache-2.0 */
#include "unpacker/overlay.h"

#include "base/cleanup.h"
#include "unpacker/remove.h"

#include <errno.h>
#include <fcntl.h>
#include <oakum/oakum.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

static const char hides_all[] = "y";
static const char may_have_whiteouts[] = "x"; /* of the xattr form: else they are not looked for */

struct overlay overlay_of(uint32_t whiteouts, uint32_t form)
{
	const bool is_of_user = whiteouts == OAKUM_WHITEOUTS_OVERLAY_USERXATTR;
	struct overlay overlay = { 0 };

	if (!is_of_user && whiteouts != OAKUM_WHITEOUTS_OVERLAY)
		return overlay;
	overlay.opaque = is_of_user ? "user.overlay.opaque" : "trusted.overlay.opaque";
	if (form == OAKUM_WHITEOUT_FORM_XATTR)
		overlay.whiteout = (struct xattr){
			.name = is_of_user ? "user.overlay.whiteout" : "trusted.overlay.whiteout",
			.value = "y",
			.value_bytes = 1,
		};
	return overlay;
}

bool overlay_reads(const struct overlay *overlay, const char *name)
{
	static const char *const notes[] = { "impure", "nlink", "origin", "upper", "uuid" };

	if (overlay->opaque == NULL)
		return false;
	const size_t prefix = strlen(overlay->opaque) - strlen("opaque");
	if (strncmp(name, overlay->opaque, prefix) != 0)
		return false;
	for (size_t i = 0; i < sizeof(notes) / sizeof(notes[0]); i++) {
		if (strcmp(name + prefix, notes[i]) == 0)
			return false;
	}
	return true;
}

/* Only an empty file is opened, and without waiting: somebody may put a fifo there meanwhile. */
static bool has_whiteout_attribute(
	const struct overlay *overlay, int directory_fd, const char *name)
{
	cleanup_fd int fd = openat(
		directory_fd, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);

	return fd >= 0 && fgetxattr(fd, overlay->whiteout.name, NULL, 0) >= 0;
}

bool overlay_is_whiteout(const struct overlay *overlay, int directory_fd, const char *name)
{
	struct stat status;

	if (overlay->opaque == NULL ||
		fstatat(directory_fd, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	if (overlay->whiteout.name == NULL)
		return S_ISCHR(status.st_mode) && status.st_rdev == 0;
	return S_ISREG(status.st_mode) && status.st_size == 0 &&
	       has_whiteout_attribute(overlay, directory_fd, name);
}

bool overlay_is_opaque(const struct overlay *overlay, int directory_fd)
{
	char value;

	return fgetxattr(directory_fd, overlay->opaque, &value, 1) == 1 && value == *hides_all;
}

/* Attributes cannot be had by such a descriptor; the working directory is nobody else's here. */
static bool has_passed_mark(const struct overlay *overlay, int directory_fd, char mark)
{
	char value;

	return fchdir(directory_fd) == 0 && lgetxattr(".", overlay->opaque, &value, 1) == 1 &&
	       value == mark;
}

bool overlay_is_passed_opaque(const struct overlay *overlay, int directory_fd)
{
	return has_passed_mark(overlay, directory_fd, *hides_all);
}

bool overlay_looks_for_whiteouts(const struct overlay *overlay, int directory_fd)
{
	return overlay->whiteout.name == NULL ||
	       has_passed_mark(overlay, directory_fd, *may_have_whiteouts);
}

int overlay_mark_opaque(struct overlay *overlay, int directory_fd)
{
	overlay->has_opaque = true;
	return fsetxattr(directory_fd, overlay->opaque, hides_all, 1, 0) < 0 ? -errno : 0;
}

int overlay_expect_whiteout(struct overlay *overlay, int directory_fd)
{
	overlay->has_whiteouts = true;
	if (overlay->whiteout.name == NULL)
		return 0;
	return fsetxattr(directory_fd, overlay->opaque, may_have_whiteouts, 1, 0) < 0 ? -errno : 0;
}

static bool takes(const void *overlay, int directory_fd, const char *name)
{
	return overlay_is_whiteout(overlay, directory_fd, name);
}

static bool enters(const void *overlay, int directory_fd)
{
	return !overlay_is_opaque(overlay, directory_fd);
}

int overlay_remove_whiteouts(
	const struct overlay *overlay, int directory_fd, const struct placed *placed)
{
	const struct removal_filter whiteouts = {
		.takes = takes,
		.enters = enters,
		.context = overlay,
	};
	struct placed done;
	int r = placed_init_like(&done, placed);

	if (r == 0)
		r = remove_matching(directory_fd, &done, &whiteouts);
	placed_free(&done);
	return r;
}
