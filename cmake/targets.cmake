# One function per kind of target, so that a room's CMakeLists.txt is a list of names.

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(ZMQ REQUIRED IMPORTED_TARGET libzmq)
pkg_check_modules(SODIUM REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(PROTOBUFC REQUIRED IMPORTED_TARGET libprotobuf-c)
pkg_check_modules(YAML REQUIRED IMPORTED_TARGET yaml-0.1)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
pkg_check_modules(OPENBLAS REQUIRED IMPORTED_TARGET openblas)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3)
pkg_check_modules(ZLIB REQUIRED IMPORTED_TARGET zlib)
pkg_check_modules(PNG REQUIRED IMPORTED_TARGET libpng)
pkg_check_modules(JPEG REQUIRED IMPORTED_TARGET libjpeg)
pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka)

add_library(panal_flags INTERFACE)
target_include_directories(panal_flags INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_definitions(panal_flags INTERFACE _POSIX_C_SOURCE=200809L _XOPEN_SOURCE=700
                           PANAL_VERSION="${PROJECT_VERSION}")
# Floating point must give the same bits everywhere: no contraction, no -ffast-math.
target_compile_options(panal_flags INTERFACE
    -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes
    -ffp-contract=off -fno-math-errno -fstack-protector-strong
    -ffile-prefix-map=${CMAKE_SOURCE_DIR}/=
    $<$<BOOL:${PANAL_WERROR}>:-Werror>)
if(PANAL_SANITIZE)
    target_compile_options(panal_flags INTERFACE -fsanitize=${PANAL_SANITIZE}
                           -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(panal_flags INTERFACE -fsanitize=${PANAL_SANITIZE})
else()
    target_link_options(panal_flags INTERFACE -Wl,-z,relro,-z,now)
endif()
if(PANAL_FUZZ)
    target_compile_options(panal_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

# pn_library(name SOURCES a.c b.c LINK other): a room.
function(pn_library name)
    cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
    add_library(${name} STATIC ${ARG_SOURCES})
    target_link_libraries(${name} PUBLIC panal_flags ${ARG_LINK})
endfunction()

# pn_program(name SOURCES main.c LINK rooms)
function(pn_program name)
    cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
    add_executable(${name} ${ARG_SOURCES})
    target_link_libraries(${name} PRIVATE ${ARG_LINK})
endfunction()

# pn_test(kind name LINK rooms): tests/<kind>/test_<name>.c becomes the test <kind>.<name>.
function(pn_test kind name)
    cmake_parse_arguments(ARG "" "TIMEOUT" "LINK;ARGS" ${ARGN})
    if(NOT ARG_TIMEOUT)
        set(ARG_TIMEOUT 120)
    endif()
    add_executable(${kind}.${name} ${CMAKE_SOURCE_DIR}/tests/${kind}/test_${name}.c)
    target_link_libraries(${kind}.${name} PRIVATE ${ARG_LINK} PkgConfig::CMOCKA)
    target_include_directories(${kind}.${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
    target_compile_definitions(${kind}.${name} PRIVATE PN_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
    set_target_properties(${kind}.${name} PROPERTIES
                          RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    if(PANAL_FUZZ) # only the fuzzers run there
        set_target_properties(${kind}.${name} PROPERTIES EXCLUDE_FROM_ALL TRUE)
    endif()
    add_test(NAME ${kind}.${name} COMMAND ${kind}.${name} ${ARG_ARGS})
    set_tests_properties(${kind}.${name} PROPERTIES LABELS ${kind} TIMEOUT ${ARG_TIMEOUT}
                         SKIP_RETURN_CODE 77)
endfunction()

# pn_fuzzer(name LINK rooms): tests/fuzz/fuzz_<name>.c. With PANAL_FUZZ a libFuzzer program; without,
# the same entry point replays tests/fuzz/corpus/<name> (tests/fuzz/replay.c), on any compiler.
function(pn_fuzzer name)
    cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
    set(target fuzz.${name})
    set(corpus ${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${name})
    add_executable(${target} ${CMAKE_SOURCE_DIR}/tests/fuzz/fuzz_${name}.c)
    target_link_libraries(${target} PRIVATE ${ARG_LINK})
    target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
    set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    if(PANAL_FUZZ)
        target_link_options(${target} PRIVATE -fsanitize=fuzzer)
        add_test(NAME ${target} COMMAND ${target} -max_total_time=10 -rss_limit_mb=2048
                 -timeout=10 -print_final_stats=1 ${CMAKE_BINARY_DIR}/corpus/${name} ${corpus})
        file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/corpus/${name})
    else()
        target_sources(${target} PRIVATE ${CMAKE_SOURCE_DIR}/tests/fuzz/replay.c)
        add_test(NAME ${target} COMMAND ${target} ${corpus})
    endif()
    set_tests_properties(${target} PROPERTIES LABELS fuzz TIMEOUT 120)
endfunction()
