#include "guest/program.h"

namespace troupe::guest {

bool is_webassembly(std::string_view bytes) {
  using namespace std::string_view_literals;
  return bytes.starts_with("\0asm"sv) || is_module_text(bytes);
}

bool is_module_text(std::string_view bytes) {
  const std::size_t begin = bytes.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return false;
  bytes.remove_prefix(begin);
  return bytes.starts_with("(module") || bytes.starts_with(";;") || bytes.starts_with("(;");
}

}  // namespace troupe::guest
