# Copies the sources of quickjs-ng that the core needs, with its stack check switched on for WASI.
#
# quickjs-ng trusts a WASI host to catch runaway recursion; we want a RangeError for the user and no trap. Each change
# must be found exactly once, so that another version of quickjs cannot silently do without.
#
# cmake -DFROM=<folder of quickjs.c> -DTO=<folder> -P patch_quickjs.cmake
if(NOT EXISTS "${FROM}/quickjs.c")
  message(FATAL_ERROR "quickjs-ng is not at ${FROM} (quickjs.c). Run ./dev build, which installs it.")
endif()

foreach(name libregexp.c libunicode.c dtoa.c)
  configure_file("${FROM}/${name}" "${TO}/${name}" COPYONLY)
endforeach()
file(GLOB headers "${FROM}/*.h")
foreach(header ${headers})
  get_filename_component(name "${header}" NAME)
  configure_file("${header}" "${TO}/${name}" COPYONLY)
endforeach()

file(READ "${FROM}/quickjs.c" text)

function(replace_once before after)
  string(FIND "${text}" "${before}" first)
  string(FIND "${text}" "${before}" last REVERSE)
  if(first EQUAL -1 OR NOT first EQUAL last)
    message(FATAL_ERROR "This text must stand exactly once in ${FROM}/quickjs.c, and does not:\n${before}\n"
                        "The core is made for the version of quickjs-ng that ./dev installs.")
  endif()
  string(REPLACE "${before}" "${after}" text "${text}")
  set(text "${text}" PARENT_SCOPE)
endfunction()

replace_once("#ifdef __wasi__\n    rt->stack_size = 0;\n#endif\n" "")
replace_once("#if defined(__wasi__)\n    rt->stack_limit = 0; /* no limit */\n#else\n    if (rt->stack_size == 0) {"
             "#if 0\n#else\n    if (rt->stack_size == 0) {")

file(WRITE "${TO}/quickjs.c" "${text}")
