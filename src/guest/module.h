// The compiled code of one plugin, checked and ready to be instantiated on any shard.
//
// A plugin is a WebAssembly module with the functions of Extism, or a component, whose functions
// have types: what goes in and out of those is JSON text (docs/formats/components.md), and their
// names are found in any spelling.
//
// Immutable. Shared by the plugin's versions and their instances on all shards, hence
// std::shared_ptr.
#pragma once

#include "base/result.h"
#include "guest/engine.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::guest {

class Module {
 public:
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;
  ~Module();

  // Hex SHA-256 of the plugin's bytes, those of linked modules included: what a version of a plugin
  // is known by.
  const std::string& content_hash() const;
  // Exports that can be called: functions () -> () or () -> i32, by name, sorted; of a component
  // those of its world, in camelCase.
  std::span<const std::string> functions() const;
  bool has_function(std::string_view name) const;
  // Why the memory of its instances cannot be captured (snapshot.h), as a clause: "it uses the
  // instruction table.set". Empty when it can.
  const std::string& not_capturable() const;
  // Whether the function can take an event: of a component those that give a new state.
  bool takes_events(std::string_view function) const;
  bool is_component() const;
  // Whether two names are of the same function, if it is there.
  bool same_function(std::string_view a, std::string_view b) const;
  // Why no state can be kept for a component; empty when it can.
  std::string_view state_problem() const;
  Engine& engine() const;

  struct Impl;
  Impl& impl() const { return *impl_; }
  explicit Module(std::unique_ptr<Impl> impl);

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace troupe::guest
