# SPDX-License-Identifier: Apache-2.0
# oakum_part(NAME [MAY_USE part...] [BORROWS part/header...] [LINKS target...] [EMBEDS executable]
#	[WITHOUT file...])
#
# Builds src/NAME/*.c as an object library. What it may include is a *view*: a
# directory in the build tree with one symlink for each part it may use, so that
# a forbidden #include does not compile. Of a part that it borrows from, it sees
# the named headers alone. A part must be defined before it is named, so that a
# cycle cannot be declared.

function(oakum_part name)
	cmake_parse_arguments(PART "" "EMBEDS" "MAY_USE;BORROWS;LINKS;WITHOUT" ${ARGN})

	file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${name}/*.c)
	foreach(file IN LISTS PART_WITHOUT)
		list(REMOVE_ITEM sources ${PROJECT_SOURCE_DIR}/src/${name}/${file})
	endforeach()
	add_library(oakum_${name} OBJECT ${sources})

	set(view ${PROJECT_BINARY_DIR}/views/${name})
	file(REMOVE_RECURSE ${view})
	file(MAKE_DIRECTORY ${view})
	foreach(part IN ITEMS ${name} LISTS PART_MAY_USE)
		if(NOT TARGET oakum_${part})
			message(FATAL_ERROR "part ${name} may use ${part}, which is not defined before it")
		endif()
		file(CREATE_LINK ${PROJECT_SOURCE_DIR}/src/${part} ${view}/${part} SYMBOLIC)
	endforeach()

	set(lenders)
	foreach(header IN LISTS PART_BORROWS)
		cmake_path(GET header PARENT_PATH part)
		list(APPEND lenders ${part})
		if(NOT TARGET oakum_${part})
			message(FATAL_ERROR "part ${name} borrows from ${part}, which is not defined before it")
		endif()
		file(MAKE_DIRECTORY ${view}/${part})
		file(CREATE_LINK ${PROJECT_SOURCE_DIR}/src/${header} ${view}/${header} SYMBOLIC)
	endforeach()

	target_include_directories(oakum_${name} PRIVATE ${view} ${PROJECT_SOURCE_DIR}/include)
	target_link_libraries(oakum_${name} PRIVATE oakum_flags)
	foreach(library IN LISTS PART_LINKS)
		target_include_directories(oakum_${name}
			PRIVATE $<TARGET_PROPERTY:${library},INTERFACE_INCLUDE_DIRECTORIES>)
	endforeach()
	set_property(TARGET oakum_${name} PROPERTY OAKUM_LINKS ${PART_LINKS})

	# What an executable or library made of this part needs: the closure of MAY_USE.
	set(closure ${name})
	foreach(part IN LISTS PART_MAY_USE lenders)
		get_property(inner TARGET oakum_${part} PROPERTY OAKUM_CLOSURE)
		list(APPEND closure ${inner})
	endforeach()
	list(REMOVE_DUPLICATES closure)
	set_property(TARGET oakum_${name} PROPERTY OAKUM_CLOSURE ${closure})

	if(PART_EMBEDS)
		oakum_embed(oakum_${name} ${PART_EMBEDS})
	endif()
endfunction()

# Puts the objects of the given parts, and the libraries they link, into a target.
function(oakum_use_parts target)
	foreach(part IN LISTS ARGN)
		target_sources(${target} PRIVATE $<TARGET_OBJECTS:oakum_${part}>)
		get_property(libraries TARGET oakum_${part} PROPERTY OAKUM_LINKS)
		target_link_libraries(${target} PRIVATE ${libraries})
	endforeach()
	target_link_libraries(${target} PRIVATE oakum_flags)
endfunction()

# Puts the stripped file of an executable into a target, as oakum_helper_start
# and oakum_helper_end: the bytes, never its objects.
function(oakum_embed target executable)
	set(stripped ${PROJECT_BINARY_DIR}/${executable}.stripped)
	set(assembly ${PROJECT_BINARY_DIR}/${executable}-embedded.S)
	add_custom_command(OUTPUT ${stripped}
		COMMAND ${CMAKE_STRIP} -o ${stripped} $<TARGET_FILE:${executable}>
		DEPENDS ${executable} VERBATIM)
	file(CONFIGURE OUTPUT ${assembly} @ONLY CONTENT [[
	.section .rodata
	.balign 4096
	.globl oakum_helper_start
	.hidden oakum_helper_start
oakum_helper_start:
	.incbin "@stripped@"
	.globl oakum_helper_end
	.hidden oakum_helper_end
oakum_helper_end:
	.section .note.GNU-stack,"",%progbits
]])
	set_property(SOURCE ${assembly} PROPERTY OBJECT_DEPENDS ${stripped})
	target_sources(${target} PRIVATE ${assembly})
endfunction()
