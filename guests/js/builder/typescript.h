// TypeScript to JavaScript, line for line, by a program that runs in the core (../typescript):
// types go, enums and parameter properties become code. Types are not checked.
#pragma once

#include "guests/js/builder/build.h"
#include "guests/js/builder/core_session.h"

#include <memory>
#include <string>
#include <string_view>

namespace troupe::js {

struct Stripped {
  std::string code;
  std::string mappings;  // of a source map, version 3; a place it does not name is where it was
};

// One for each build; the program is started at the first file.
class TypeScript {
 public:
  explicit TypeScript(const BuildOptions& options) : options_(options) {}

  // The error has the place, with the column in bytes.
  boost::system::result<Stripped, BuildError> strip(std::string_view key, std::string_view text);

 private:
  const BuildOptions& options_;
  std::unique_ptr<Tool> tool_;
};

}  // namespace troupe::js
