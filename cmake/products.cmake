# SPDX-License-Identifier: Apache-2.0
# What is built of the parts: liboakum (libc only) and the oakum command.

target_compile_definitions(oakum_host PRIVATE
	$<$<BOOL:${OAKUM_EMBED}>:OAKUM_EMBED=1>
	OAKUM_LIBEXEC_DIR="${CMAKE_INSTALL_FULL_LIBEXECDIR}/oakum"
	OAKUM_FEATURE_LINKAGE="${OAKUM_HELPER}"
	OAKUM_FEATURE_GZIP="${OAKUM_FEATURE_GZIP}"
	OAKUM_FEATURE_CODECS="${OAKUM_FEATURE_zstd}, ${OAKUM_FEATURE_lzma}, ${OAKUM_FEATURE_bz2}, ${OAKUM_FEATURE_lz4}"
	OAKUM_FEATURE_TAR="${OAKUM_FEATURE_archive}")

add_library(liboakum SHARED)
get_property(parts TARGET oakum_host PROPERTY OAKUM_CLOSURE)
oakum_use_parts(liboakum ${parts})
set(version_script ${PROJECT_SOURCE_DIR}/cmake/liboakum.map)
target_link_options(liboakum PRIVATE -Wl,--version-script=${version_script} -Wl,-z,defs)
if(OAKUM_SANITIZE)
	target_link_options(liboakum PRIVATE -Wl,-z,undefs)
endif()
set_target_properties(liboakum PROPERTIES
	OUTPUT_NAME oakum
	VERSION ${PROJECT_VERSION}
	SOVERSION ${PROJECT_VERSION_MAJOR}
	EXPORT_NAME oakum
	LINK_DEPENDS ${version_script})
target_include_directories(liboakum INTERFACE
	$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
	$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)

add_executable(oakum)
oakum_use_parts(oakum command base)
target_link_libraries(oakum PRIVATE liboakum)
# Below /usr the library is found by itself.
if(NOT CMAKE_INSTALL_PREFIX STREQUAL "/usr")
	set_target_properties(oakum PROPERTIES
		INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
endif()
