/* SPDX-License-Identifier: Apache-2.0 */
/* oakum-manifest DIRECTORY: prints the tree as text for diff(1); see manifest.h for the fields. */
#include "support/manifest.h"

#include <string.h>

int main(int argc, char **argv)
{
	char failed_at[4096];

	if (argc != 2) {
		fprintf(stderr, "usage: oakum-manifest DIRECTORY\n");
		return 2;
	}
	int r = manifest_print(argv[1], stdout, failed_at);
	if (r < 0) {
		fprintf(stderr, "oakum-manifest: %s: %s\n", failed_at, strerrordesc_np(-r));
		return 1;
	}
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "oakum-manifest: standard output cannot be written\n");
		return 1;
	}
	return 0;
}
