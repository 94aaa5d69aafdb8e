# SPDX-License-Identifier: Apache-2.0
# oakum_flags: warnings, hardening and sanitizers, for everything we compile.

option(OAKUM_WERROR "Treat warnings as errors (for developers; never for packagers)" OFF)
set(OAKUM_SANITIZE "" CACHE STRING "address,undefined or thread; builds a helper without seccomp")
option(OAKUM_COVERAGE "Instrument for gcov" OFF)

add_library(oakum_flags INTERFACE)
target_compile_definitions(oakum_flags INTERFACE _GNU_SOURCE _FILE_OFFSET_BITS=64)
target_compile_options(oakum_flags INTERFACE
	-Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes
	-Wformat=2 -Wswitch-enum -Wvla -Wundef -Wnull-dereference -Wpointer-arith -Wcast-qual
	-fno-common -fvisibility=hidden -fno-strict-overflow)
if(OAKUM_WERROR)
	target_compile_options(oakum_flags INTERFACE -Werror)
endif()

if(OAKUM_SANITIZE)
	target_compile_definitions(oakum_flags INTERFACE OAKUM_SANITIZED=1)
	target_compile_options(oakum_flags INTERFACE
		-fsanitize=${OAKUM_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
	target_link_options(oakum_flags INTERFACE -fsanitize=${OAKUM_SANITIZE})
else()
	target_compile_options(oakum_flags INTERFACE
		$<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE>
		$<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=2>
		-fstack-protector-strong -fstack-clash-protection)
	if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
		target_compile_options(oakum_flags INTERFACE -fcf-protection=full)
	endif()
	target_link_options(oakum_flags INTERFACE
		-Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,--as-needed)
endif()

if(OAKUM_FUZZ)
	target_compile_options(oakum_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

if(OAKUM_COVERAGE)
	target_compile_options(oakum_flags INTERFACE --coverage -O0)
	target_link_options(oakum_flags INTERFACE --coverage)
endif()
