# troupe_folder(NAME [NEEDS folder...] [LIBRARIES target...])
#
# One library for each folder of src/: troupe_NAME from its *.cc, and NAME_test from its *_test.cc.
# NEEDS are the folders below it that it may include; tests/integration checks the includes themselves.
function(troupe_folder name)
  cmake_parse_arguments(arg "" "" "NEEDS;LIBRARIES" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/src/${name}/*.cc")
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$|/main\\.cc$")
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")

  if(sources)
    add_library(troupe_${name} STATIC ${sources})
    set(scope PUBLIC)
    target_precompile_headers(troupe_${name} PRIVATE "${CMAKE_SOURCE_DIR}/src/base/pch.h")
  else()
    add_library(troupe_${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(troupe_${name} ${scope} "${CMAKE_SOURCE_DIR}/src" "${CMAKE_SOURCE_DIR}")
  list(TRANSFORM arg_NEEDS PREPEND troupe_)
  target_link_libraries(troupe_${name} ${scope} ${arg_NEEDS} ${arg_LIBRARIES} Threads::Threads)

  if(TROUPE_TESTS AND tests)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE troupe_${name} GTest::gtest GTest::gtest_main)
    gtest_discover_tests(${name}_test DISCOVERY_MODE PRE_TEST TEST_PREFIX ${name}.)
  endif()
endfunction()
