# SPDX-License-Identifier: Apache-2.0
# oakum-helper: the confined executable, all parts that run behind the walls.

get_property(parts TARGET oakum_helper PROPERTY OAKUM_CLOSURE)
add_executable(oakum-helper)
oakum_use_parts(oakum-helper ${parts})
if(OAKUM_HELPER STREQUAL "static" AND NOT OAKUM_SANITIZE)
	target_compile_options(oakum-helper PRIVATE -fPIE)
	target_link_options(oakum-helper PRIVATE -static-pie)
elseif(OAKUM_HELPER STREQUAL "static" OR OAKUM_HELPER STREQUAL "dynamic")
	target_link_options(oakum-helper PRIVATE -pie -Wl,-z,now)
else()
	message(FATAL_ERROR "OAKUM_HELPER is static or dynamic, not ${OAKUM_HELPER}")
endif()

set(OAKUM_EMBEDDED "")
if(OAKUM_EMBED)
	set(OAKUM_EMBEDDED oakum-helper)
endif()
