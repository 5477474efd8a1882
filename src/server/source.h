// What a path means that is given as a plugin's source.
#pragma once

#include "base/result.h"

#include <filesystem>
#include <string>

namespace troupe::server {

// A file is itself. A folder is the project in it (toolchain::find_project), or, in JavaScript and
// TypeScript, its main file: NAME.js or NAME.ts, NAME being the folder's name, else index.js or
// index.ts, there or in src/. An error says what was looked for.
Result<std::filesystem::path> find_source(const std::filesystem::path& path);

// Whether a file is a module, binary or text, by its name; everything else is a source.
bool is_module(const std::filesystem::path& file);

// Whether somebody else's tool chain builds it, and not the JavaScript builder.
bool is_project(const std::filesystem::path& source);

// What a plugin is called that has no other name: the project's folder, or the file without its
// extension.
std::string name_of_source(const std::filesystem::path& source);

}  // namespace troupe::server
