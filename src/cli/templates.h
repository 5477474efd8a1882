// The first files of a new plugin, kept inside the program (guests/templates/).
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::cli {

struct TemplateFile {
  std::string path;       // in the plugin's folder; may hold {{NAME}}
  std::string_view text;  // may hold {{NAME}}, and {{CRATE}}: the name with _ for -
};

struct Template {
  std::string language;
  std::string behaviour;
  std::vector<TemplateFile> files;
};

// All there are. Constant, from any thread.
std::span<const Template> templates();

// The text with the names put in.
std::string fill_in(std::string_view text, std::string_view name);

}  // namespace troupe::cli
