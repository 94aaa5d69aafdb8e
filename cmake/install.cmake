# SPDX-License-Identifier: Apache-2.0
include(CMakePackageConfigHelpers)

# Each component is a package: see package.cmake.
install(TARGETS oakum COMPONENT command)
install(TARGETS liboakum EXPORT oakum-targets
	LIBRARY COMPONENT library NAMELINK_COMPONENT development)
install(FILES include/oakum/oakum.h
	DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/oakum COMPONENT development)

# The confined executable, and the names that containers/storage calls its helpers by.
set(libexec ${CMAKE_INSTALL_LIBEXECDIR}/oakum)
install(TARGETS oakum-helper DESTINATION ${libexec} COMPONENT helper)
foreach(name storage-untar storage-applyLayer storage-tar)
	file(CREATE_LINK oakum-helper ${PROJECT_BINARY_DIR}/${name} SYMBOLIC)
	install(FILES ${PROJECT_BINARY_DIR}/${name} DESTINATION ${libexec} COMPONENT helper)
endforeach()

# Completions, made by the command itself; not where the machine that builds cannot run it.
if(NOT CMAKE_CROSSCOMPILING OR CMAKE_CROSSCOMPILING_EMULATOR)
	set(completions ${PROJECT_BINARY_DIR}/completions)
	file(MAKE_DIRECTORY ${completions})
	foreach(shell bash zsh fish)
		add_custom_command(OUTPUT ${completions}/oakum.${shell}
			COMMAND oakum completion ${shell} > ${completions}/oakum.${shell}
			DEPENDS oakum VERBATIM)
		list(APPEND completion_files ${completions}/oakum.${shell})
	endforeach()
	add_custom_target(oakum-completions ALL DEPENDS ${completion_files})
	# What zsh of Debian looks at below /usr has another name.
	set(zsh_functions site-functions)
	if(CMAKE_INSTALL_PREFIX STREQUAL "/usr" AND EXISTS /etc/debian_version)
		set(zsh_functions vendor-completions)
	endif()
	install(FILES ${completions}/oakum.bash RENAME oakum COMPONENT command
		DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
	install(FILES ${completions}/oakum.zsh RENAME _oakum COMPONENT command
		DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/${zsh_functions})
	install(FILES ${completions}/oakum.fish COMPONENT command
		DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
endif()

# For distributions that restrict user namespaces by AppArmor; the helper must be a file then.
option(OAKUM_APPARMOR "install an AppArmor profile for the helper" OFF)
if(OAKUM_APPARMOR)
	configure_file(dist/apparmor/oakum-helper.in oakum-helper.apparmor @ONLY)
	install(FILES ${PROJECT_BINARY_DIR}/oakum-helper.apparmor
		DESTINATION ${CMAKE_INSTALL_FULL_SYSCONFDIR}/apparmor.d RENAME oakum-helper
		COMPONENT helper)
endif()

# Relative to the prefix, which pkg-config can be told anew; some distributions have absolute ones.
set(OAKUM_PC_LIBDIR "\${prefix}/${CMAKE_INSTALL_LIBDIR}")
set(OAKUM_PC_INCLUDEDIR "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
foreach(dir LIBDIR INCLUDEDIR)
	if(IS_ABSOLUTE "${CMAKE_INSTALL_${dir}}")
		set(OAKUM_PC_${dir} "${CMAKE_INSTALL_${dir}}")
	endif()
endforeach()
configure_file(cmake/oakum.pc.in oakum.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/oakum.pc
	DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT development)

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/oakum)
install(EXPORT oakum-targets NAMESPACE oakum:: DESTINATION ${package} COMPONENT development)
configure_package_config_file(cmake/oakum-config.cmake.in oakum-config.cmake
	INSTALL_DESTINATION ${package})
write_basic_package_version_file(oakum-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/oakum-config.cmake
	${PROJECT_BINARY_DIR}/oakum-config-version.cmake
	DESTINATION ${package} COMPONENT development)

install(FILES docs/man/oakum.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT command)
install(FILES docs/man/storage-untar.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT helper)
install(FILES docs/man/liboakum.3 DESTINATION ${CMAKE_INSTALL_MANDIR}/man3 COMPONENT development)
install(FILES docs/examples/pid1.c
	DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples COMPONENT development)
