# SPDX-License-Identifier: Apache-2.0
# The libraries of the helper, found as static archives: the helper loads
# nothing but libc, and with OAKUM_HELPER=static not even that.

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)

# oakum_static_library(TARGET FILE HEADER): an imported target, or an error that names the package.
function(oakum_static_library target archive header package)
	find_library(OAKUM_${archive}_A NAMES lib${archive}.a)
	find_path(OAKUM_${archive}_H NAMES ${header})
	if(NOT OAKUM_${archive}_A OR NOT OAKUM_${archive}_H)
		message(FATAL_ERROR "lib${archive}.a or ${header} not found: install ${package}")
	endif()
	add_library(oakum::${target} STATIC IMPORTED)
	set_target_properties(oakum::${target} PROPERTIES
		IMPORTED_LOCATION ${OAKUM_${archive}_A}
		INTERFACE_INCLUDE_DIRECTORIES ${OAKUM_${archive}_H})
	mark_as_advanced(OAKUM_${archive}_A OAKUM_${archive}_H)
endfunction()

# oakum_feature(VARIABLE NAME MODULE): "NAME version", for oakum_features(); a library that tells
# pkg-config nothing has no version.
function(oakum_feature variable name module)
	pkg_check_modules(OAKUM_PC_${module} QUIET ${module})
	string(STRIP "${name} ${OAKUM_PC_${module}_VERSION}" text)
	set(OAKUM_FEATURE_${variable} "${text}" PARENT_SCOPE)
endfunction()

oakum_feature(archive libarchive libarchive)
oakum_feature(GZIP zlib zlib)
oakum_feature(zstd zstd libzstd)
oakum_feature(lzma xz liblzma)
oakum_feature(bz2 bzip2 bzip2)
oakum_feature(lz4 lz4 liblz4)

oakum_static_library(archive archive archive.h libarchive-dev)
oakum_static_library(zlib z zlib.h zlib1g-dev)
oakum_static_library(zstd zstd zstd.h libzstd-dev)
oakum_static_library(lzma lzma lzma.h liblzma-dev)
oakum_static_library(bzip2 bz2 bzlib.h libbz2-dev)
oakum_static_library(lz4 lz4 lz4frame.h liblz4-dev)
oakum_static_library(jansson jansson jansson.h libjansson-dev)
oakum_static_library(crypto crypto openssl/sha.h libssl-dev)

# Its threads are started before it asks for them: see codec_xz.c.
set_property(TARGET oakum::lzma PROPERTY INTERFACE_LINK_OPTIONS
	-Wl,--wrap=pthread_create -Wl,--wrap=pthread_join)

set(OAKUM_CODECS oakum::zlib oakum::zstd oakum::lzma oakum::bzip2 oakum::lz4)

# ISA-L inflates twice as fast as zlib; Debian has it shared only, so that the
# helper must be dynamic for it.
find_library(OAKUM_ISAL_SO NAMES isal)
find_path(OAKUM_ISAL_H NAMES isa-l/igzip_lib.h)
mark_as_advanced(OAKUM_ISAL_SO OAKUM_ISAL_H)
set(OAKUM_OTHER_GZIP codec_gzip_isal.c)
if(OAKUM_ISAL_SO AND OAKUM_ISAL_H AND NOT OAKUM_HELPER STREQUAL "static")
	add_library(oakum::isal SHARED IMPORTED)
	set_target_properties(oakum::isal PROPERTIES
		IMPORTED_LOCATION ${OAKUM_ISAL_SO}
		INTERFACE_INCLUDE_DIRECTORIES ${OAKUM_ISAL_H})
	list(APPEND OAKUM_CODECS oakum::isal)
	set(OAKUM_OTHER_GZIP codec_gzip.c)
	oakum_feature(GZIP ISA-L libisal)
endif()
if(OAKUM_HELPER STREQUAL "auto")
	set(OAKUM_HELPER static)
	if(TARGET oakum::isal)
		set(OAKUM_HELPER dynamic)
	endif()
endif()
if(TARGET oakum::isal)
	message(STATUS "Helper: ${OAKUM_HELPER}, gzip by ISA-L")
else()
	message(STATUS "Helper: ${OAKUM_HELPER}, gzip by zlib")
endif()
