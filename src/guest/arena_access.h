// A module that reads and writes the blocks of a large call by itself. Private to this folder.
//
// A guest reads its input and writes its output eight bytes or one at a time, by calling functions
// of extism:host/env: for a megabyte in and out a quarter of a million calls, each of which leaves
// the guest's code and enters it again. So, before compilation, a module is given a second memory,
// the window, in which the host puts the blocks of a large call (Arena::Window), and each call of
// the six functions that move words becomes a test of bounds and a load or store there. Where the
// test fails the function is called as before: for an address that is not in the window, and for
// all while nothing is there. All else about blocks stays with the host.
//
// The guest's own code names the first memory only: what its author wrote cannot reach the window
// in another way.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace troupe::guest {

// The window, as the module exports it: empty until the host makes it grow. It begins where the
// addresses of blocks begin, at 0.
inline constexpr std::string_view window_export = "troupe:window";

// What the tests compare with: i64 globals, exported under these names, 0 until the host sets them.
enum class WindowBound : std::size_t {
  bytes,        // how many addresses, from Arena::root_bytes on, a byte may be at
  words,        // and a word of eight bytes
  input,        // the input's address
  input_bytes,  // how many offsets into it a byte may be at
  input_words,  // and a word
};
inline constexpr std::array<std::string_view, 5> window_bound_exports = {
    "troupe:window:bytes",
    "troupe:window:words",
    "troupe:window:input",
    "troupe:window:input-bytes",
    "troupe:window:input-words"};

// Nothing when the module calls none of the functions, or cannot be read (growth.h says which).
// Takes untrusted bytes of a valid module.
std::optional<std::string> with_window(std::string_view wasm);

}  // namespace troupe::guest
