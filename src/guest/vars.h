// Extism's variables: the named bytes a plugin keeps between calls.
//
// They belong to the actor and outlive its instances. A call changes them inside a transaction, so
// that a turn that fails leaves them as they were. Lives on the actor's shard; not thread-safe.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace troupe::guest {

class Vars {
 public:
  const std::string* find(std::string_view name) const;

  // False when the store would hold more than bytes_max, counted as Extism does: for each entry the
  // bytes of key and value and 48 more, the new one included and a replaced one not subtracted.
  bool set(std::string_view name, std::string_view value, std::size_t bytes_max);
  void erase(std::string_view name);
  void erase_all();

  // Changes since the last commit or rollback are kept, or undone.
  void commit() { undo_.clear(); }
  void rollback();

  std::size_t bytes() const { return bytes_; }
  const std::map<std::string, std::string, std::less<>>& entries() const { return entries_; }

 private:
  // The values before the transaction of the names it has changed; nothing where there was none.
  // Holds no more names than there were entries then and are now.
  std::map<std::string, std::optional<std::string>, std::less<>> undo_;
  std::map<std::string, std::string, std::less<>> entries_;
  std::size_t bytes_ = 0;
};

}  // namespace troupe::guest
