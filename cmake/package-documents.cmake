# SPDX-License-Identifier: Apache-2.0
# Run by CPack once all is installed into its directory, which has one of each component: adds what
# a Debian package has to have, and compresses what it has to.

function(put from to)
	cmake_path(GET to PARENT_PATH directory)
	file(MAKE_DIRECTORY ${directory})
	file(COPY_FILE ${from} ${to})
	file(CHMOD ${to} PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
endfunction()

foreach(component IN LISTS CPACK_COMPONENTS_ALL)
	string(TOUPPER ${component} upper)
	set(package ${CPACK_DEBIAN_${upper}_PACKAGE_NAME})
	set(root ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/${component})
	set(documents ${root}${CPACK_PACKAGING_INSTALL_PREFIX}/share/doc/${package})

	put(${CPACK_OAKUM_COPYRIGHT} ${documents}/copyright)
	put(${CPACK_OAKUM_CHANGELOG} ${documents}/changelog)
	if(EXISTS ${CPACK_OAKUM_OVERRIDES}/${component}.lintian-overrides)
		put(${CPACK_OAKUM_OVERRIDES}/${component}.lintian-overrides
			${root}${CPACK_PACKAGING_INSTALL_PREFIX}/share/lintian/overrides/${package})
	endif()

	file(GLOB_RECURSE manuals ${root}/*.[1-9])
	execute_process(COMMAND gzip -9 -n -f ${documents}/changelog ${manuals}
		COMMAND_ERROR_IS_FATAL ANY)
endforeach()
