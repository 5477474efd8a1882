// Content types of files.
#pragma once

#include <string_view>

namespace troupe::wire {

// By the extension of a file's name, in any case; `application/octet-stream` for unknown ones. Text
// types name UTF-8 as their charset.
std::string_view content_type_of(std::string_view file_name);

}  // namespace troupe::wire
