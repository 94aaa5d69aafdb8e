/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cores.h"

#include <sched.h>

unsigned int cores_usable(unsigned int most)
{
	cpu_set_t cores;

	if (sched_getaffinity(0, sizeof(cores), &cores) < 0)
		return 1; /* more than 1024 */
	const unsigned int count = (unsigned int)CPU_COUNT(&cores);
	return count < most ? count : most;
}
