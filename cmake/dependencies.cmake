# Libraries from the system, and Wasmtime from build/tools/ (./dev puts it there) or TROUPE_WASMTIME.
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(simdjson REQUIRED)
find_package(tomlplusplus REQUIRED)
find_package(CLI11 REQUIRED)
find_package(CURL 7.88 REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(sodium REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(sqlite REQUIRED IMPORTED_TARGET sqlite3)
pkg_check_modules(zstd REQUIRED IMPORTED_TARGET libzstd)
find_package(prometheus-cpp REQUIRED)

if(TROUPE_WASMTIME)
  set(wasmtime_prefix "${TROUPE_WASMTIME}")
else()
  set(wasmtime_prefix "${TROUPE_TOOLS}/wasmtime")
endif()
if(NOT EXISTS "${wasmtime_prefix}/include/wasmtime.h" OR NOT EXISTS "${wasmtime_prefix}/lib/libwasmtime.so")
  message(FATAL_ERROR "Wasmtime is not at ${wasmtime_prefix} (include/wasmtime.h and lib/libwasmtime.so). "
                      "Run ./dev build, which installs it, or name a prefix with -DTROUPE_WASMTIME=DIR.")
endif()
add_library(wasmtime SHARED IMPORTED GLOBAL)
# The library of the PyPI package has no SONAME.
set_target_properties(wasmtime PROPERTIES
  IMPORTED_LOCATION "${wasmtime_prefix}/lib/libwasmtime.so"
  IMPORTED_NO_SONAME TRUE
  INTERFACE_INCLUDE_DIRECTORIES "${wasmtime_prefix}/include")
set(CMAKE_BUILD_RPATH "${wasmtime_prefix}/lib")

if(TROUPE_TESTS)
  enable_testing()
  find_package(GTest REQUIRED)
  include(GoogleTest)
endif()
