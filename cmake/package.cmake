# SPDX-License-Identifier: Apache-2.0
# Debian packages: `cpack -G DEB` in a build whose prefix is /usr (the preset "release" is one).

set(OAKUM_MAINTAINER "oakum maintainers <maintainers@oakum.example>" CACHE STRING
	"Who answers for the packages")

# What a component is called, where it belongs, and what it needs beside what its files tell.
# The library has the helper in it, and needs what that needs; it falls back on its file, too.
set(CPACK_DEBIAN_COMMAND_PACKAGE_NAME oakum)
set(CPACK_DEBIAN_COMMAND_PACKAGE_SECTION utils)
set(CPACK_DEBIAN_HELPER_PACKAGE_NAME oakum-helper)
set(CPACK_DEBIAN_HELPER_PACKAGE_SECTION utils)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME liboakum${PROJECT_VERSION_MAJOR})
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME liboakum-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS libc6-dev)
set(CPACK_COMPONENT_COMMAND_DEPENDS library)
set(CPACK_COMPONENT_LIBRARY_DEPENDS helper)
set(CPACK_COMPONENT_DEVELOPMENT_DEPENDS library)

foreach(component COMMAND HELPER LIBRARY DEVELOPMENT)
	string(TOLOWER ${component} name)
	list(APPEND CPACK_COMPONENTS_ALL ${name})
	set(CPACK_DEBIAN_${component}_PACKAGE_SHLIBDEPS ON)
endforeach()
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SHLIBDEPS OFF)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_CONTROL_EXTRA ${PROJECT_SOURCE_DIR}/dist/debian/triggers)
set(what "Code that looks at a layer runs in processes that can do no more than fill\nthe root file system.\n\n")
set(CPACK_DEBIAN_COMMAND_DESCRIPTION "${what}This is the command.")
set(CPACK_DEBIAN_HELPER_DESCRIPTION
	"${what}This is the program that is confined. Programs that are built on\ncontainers/storage can use it in place of the helpers that they execute.")
set(CPACK_DEBIAN_LIBRARY_DESCRIPTION "${what}This is the library.")
set(CPACK_DEBIAN_DEVELOPMENT_DESCRIPTION
	"${what}This is what programs are built with that use the library.")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_VENDOR oakum)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "unpack container image layers without trusting them")
set(CPACK_PACKAGE_CONTACT "${OAKUM_MAINTAINER}")
set(CPACK_DEBIAN_PACKAGE_MAINTAINER "${OAKUM_MAINTAINER}")
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SOURCE oakum)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_ENABLE_COMPONENT_DEPENDS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${PROJECT_BINARY_DIR})
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_PACKAGING_INSTALL_PREFIX ${CMAKE_INSTALL_PREFIX})
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGE_DIRECTORY ${PROJECT_BINARY_DIR}/packages)

# What Debian wants in each package, put there before it is closed.
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/cmake/package-documents.cmake)
configure_file(dist/debian/changelog.in changelog @ONLY)
set(CPACK_OAKUM_CHANGELOG ${PROJECT_BINARY_DIR}/changelog)
set(CPACK_OAKUM_COPYRIGHT ${PROJECT_SOURCE_DIR}/dist/debian/copyright)
set(CPACK_OAKUM_OVERRIDES ${PROJECT_SOURCE_DIR}/dist/debian)
include(CPack)
