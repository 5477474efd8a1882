// The RFC 6902 patch that turns one state into the next.
//
// Subtrees are compared as canonical text, so what did not change costs a memcmp. Objects are
// walked by their sorted names. Of arrays the equal ends are set aside and the rest is aligned
// (state/align.h), or compared position by position where that would be too much work. Where the
// operations on an object or array would take more bytes than replacing it, it is replaced.
//
// Paths have explicit indexes, never `-`. The members of an operation stand in the order op, path,
// value, or op, from, path.
#pragma once

#include "base/json.h"
#include "state/align.h"
#include "state/canonical.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::state {

// Pairs of elements that one comparison may look at to align its arrays: about 1 ms.
inline constexpr std::uint32_t alignment_work_max = 1 << 18;
// How often one comparison may look at the bytes of both states, which are looked at again at each
// level down to a change. What lies deeper is replaced. Small states have some more.
inline constexpr std::size_t looks_max = 16;
inline constexpr std::size_t looked_bytes_min = std::size_t{64} << 10;

// Keeps its buffers between uses: once they have grown, to the size of a state at most, a
// comparison allocates nothing. Owned by a shard; not thread-safe.
class Differ {
 public:
  // The patch as JSON text, `[]` when nothing changed; it stays until the next call.
  std::string_view diff(const Canonical& before, const Canonical& after);

 private:
  // Writes what turns one value into another that differs, at path_. The two below give up, and say
  // so by false, when the patch grows beyond `size_max`.
  void change(std::uint32_t old_node, std::uint32_t new_node);
  bool object(std::uint32_t old_node, std::uint32_t new_node, std::size_t size_max);
  bool array(std::uint32_t old_node, std::uint32_t new_node, std::size_t size_max);

  // Appends to steps_ what turns the elements nodes_[first_old ...] into nodes_[first_new ...].
  void find_steps(std::size_t first_old,
                  std::uint32_t old_count,
                  std::size_t first_new,
                  std::uint32_t new_count);
  bool equal(std::uint32_t old_node, std::uint32_t new_node) const;

  // Operations at path_; `move` between two elements of the array that is there.
  void remove();
  void add(std::uint32_t new_node);
  void replace(std::uint32_t new_node);
  void move(std::uint32_t from, std::uint32_t to);
  void open(std::string_view beginning);
  void close_with_value(std::uint32_t new_node);

  void push_name(const json::Tape& tape, std::uint32_t name);
  void push_index(std::uint32_t index);

  std::uint32_t alignment_work_left_ = 0;
  std::size_t looked_bytes_left_ = 0;
  const json::Tape* old_ = nullptr;
  const json::Tape* new_ = nullptr;
  std::string patch_;
  std::string path_;  // of what is being compared, escaped as a pointer and as a JSON string

  // Stacks: an array in an array works above what the outer one still needs.
  std::vector<std::uint32_t> nodes_;
  std::vector<Step> steps_;

  // For one alignment.
  std::vector<std::string_view> texts_;
  Aligner aligner_;
};

}  // namespace troupe::state
