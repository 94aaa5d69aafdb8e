# SPDX-License-Identifier: Apache-2.0
include(CMakePackageConfigHelpers)

install(TARGETS oakum)
install(TARGETS liboakum EXPORT oakum-targets)
install(FILES include/oakum/oakum.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/oakum)

# The confined executable, and the names that containers/storage calls its helpers by.
set(libexec ${CMAKE_INSTALL_LIBEXECDIR}/oakum)
install(TARGETS oakum-helper DESTINATION ${libexec})
foreach(name storage-untar storage-applyLayer storage-tar)
	file(CREATE_LINK oakum-helper ${PROJECT_BINARY_DIR}/${name} SYMBOLIC)
	install(FILES ${PROJECT_BINARY_DIR}/${name} DESTINATION ${libexec})
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
	install(FILES ${completions}/oakum.bash RENAME oakum
		DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
	install(FILES ${completions}/oakum.zsh RENAME _oakum
		DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
	install(FILES ${completions}/oakum.fish
		DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
endif()

# For distributions that restrict user namespaces by AppArmor; the helper must be a file then.
option(OAKUM_APPARMOR "install an AppArmor profile for the helper" OFF)
if(OAKUM_APPARMOR)
	configure_file(dist/apparmor/oakum-helper.in oakum-helper.apparmor @ONLY)
	install(FILES ${PROJECT_BINARY_DIR}/oakum-helper.apparmor
		DESTINATION ${CMAKE_INSTALL_FULL_SYSCONFDIR}/apparmor.d RENAME oakum-helper)
endif()

configure_file(cmake/oakum.pc.in oakum.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/oakum.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/oakum)
install(EXPORT oakum-targets NAMESPACE oakum:: DESTINATION ${package})
configure_package_config_file(cmake/oakum-config.cmake.in oakum-config.cmake
	INSTALL_DESTINATION ${package})
write_basic_package_version_file(oakum-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/oakum-config.cmake
	${PROJECT_BINARY_DIR}/oakum-config-version.cmake DESTINATION ${package})

install(FILES docs/man/oakum.1 docs/man/storage-untar.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES docs/man/liboakum.3 DESTINATION ${CMAKE_INSTALL_MANDIR}/man3)
install(FILES docs/examples/pid1.c DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
