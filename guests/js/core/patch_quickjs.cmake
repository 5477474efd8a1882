# Copies the sources of quickjs-ng that the core needs, with two changes. The text of each must be found exactly once, so
# that another version of quickjs cannot silently do without.
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

# The stack check: quickjs-ng trusts a WASI host to catch runaway recursion; we want a RangeError for the user and no trap.
replace_once("#ifdef __wasi__\n    rt->stack_size = 0;\n#endif\n" "")
replace_once("#if defined(__wasi__)\n    rt->stack_limit = 0; /* no limit */\n#else\n    if (rt->stack_size == 0) {"
             "#if 0\n#else\n    if (rt->stack_size == 0) {")
# The check sees only the stack in the module's memory, while calls also use the host's. Functions that keep little in the
# former are given weight there, so that the latter cannot end first.
replace_once("static inline bool js_check_stack_overflow(JSRuntime *rt, size_t alloca_size)
{
    uintptr_t sp;
"
"#define STACK_WEIGHT(bytes) do { char weight[bytes]; __asm__ volatile(\"\" : : \"r\"(weight)); } while (0)
static inline __attribute__((always_inline)) bool js_check_stack_overflow(JSRuntime *rt, size_t alloca_size)
{
    uintptr_t sp;
    if (__builtin_constant_p(alloca_size))
        STACK_WEIGHT(160);
")
replace_once("static __exception int js_parse_postfix_expr(JSParseState *s, int parse_flags)
{
    FuncCallType call_type;
"
"static __exception int js_parse_postfix_expr(JSParseState *s, int parse_flags)
{
    STACK_WEIGHT(1024);
    FuncCallType call_type;
")
replace_once("static __exception int js_parse_unary(JSParseState *s, int parse_flags)
{
    int op;
"
"static __exception int js_parse_unary(JSParseState *s, int parse_flags)
{
    STACK_WEIGHT(192);
    int op;
")
replace_once("static __exception int js_parse_assign_expr2(JSParseState *s, int parse_flags)
{
    int opcode, op, scope;
"
"static __exception int js_parse_assign_expr2(JSParseState *s, int parse_flags)
{
    STACK_WEIGHT(256);
    int opcode, op, scope;
")

# Columns: those of quickjs-ng point at the last blank before a token, and at none in syntax errors. Ours point at the
# token, in bytes from 1.
replace_once("    s->mark = s->buf_ptr + min_int(1, input_len);\n    s->eol = s->buf_ptr;\n"
             "    s->mark = s->buf_ptr;\n    s->eol = s->buf_ptr - 1;\n")
replace_once("    s->token.col_num = max_int(1, s->mark - s->eol);\n"
             "    s->token.col_num = max_int(1, s->token.ptr - s->eol);\n")
replace_once("                    s->line_num, s->col_num, backtrace_flags);\n"
             "                    s->token.line_num, token_column(s), backtrace_flags);\n")
replace_once("int JS_PRINTF_FORMAT_ATTR(2, 3) js_parse_error(JSParseState *s, JS_PRINTF_FORMAT const char *fmt, ...)\n"
"static int token_column(JSParseState *s)
{
    const uint8_t *p = s->token.ptr;
    int column = 1;
    for (; p && p > s->buf_start && p[-1] != '\\n'; p--)
        column++;
    return column;
}

int JS_PRINTF_FORMAT_ATTR(2, 3) js_parse_error(JSParseState *s, JS_PRINTF_FORMAT const char *fmt, ...)\n")
# A call is where the name before its parenthesis begins; quickjs-ng takes the first argument, which may be lines below.
replace_once("            parse_func_call2:
                emit_source_loc(s);
"
"            parse_func_call2:
                emit_source_loc_at(s, s->last_line_num, callee_column(s));
")
replace_once("static void emit_source_loc(JSParseState *s)
{
"
"static int callee_column(JSParseState *s)
{
    int column = s->last_col_num;
    const uint8_t *p = s->last_ptr - 1;
    if (p < s->buf_start || *p != '(')
        return column;
    for (; column > 1 && p > s->buf_start && (p[-1] >= 0x80 || lre_js_is_ident_next(p[-1])); p--)
        column--;
    return column;
}

static void emit_source_loc(JSParseState *s)
{
")

file(WRITE "${TO}/quickjs.c" "${text}")
