// Functions that the program gives to its plugins, beside Extism's and Troupe's own.
//
// A plugin imports them from extism:host/user, or from the module they name, with any signature of
// numbers. What is not a number travels in blocks of Extism's memory, which are passed as i64
// handles: by convention the guest makes a block for an argument and frees it, the host makes one
// for a result, which the guest frees.
//
// A function is called on the shard that runs the guest, during the call, on the guest's own stack:
// it must not block, throw, or call the same instance. Functions are given with a plugin's modules
// (Program) and shared by its instances on all shards, so what they capture must be thread-safe.
#pragma once

#include "base/result.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::guest {

class Host;
struct Call;

enum class NumberType : std::uint8_t { i32, i64, f32, f64, v128 };

// A number of the type its place in the signature has; nothing here says which.
class alignas(8) Number {
 public:
  using V128 = std::array<std::uint8_t, 16>;

  std::int32_t i32() const { return as<std::int32_t>(); }
  std::int64_t i64() const { return as<std::int64_t>(); }
  std::uint64_t handle() const { return as<std::uint64_t>(); }
  float f32() const { return as<float>(); }
  double f64() const { return as<double>(); }
  V128 v128() const { return as<V128>(); }

  // Of the type that the signature has there.
  template <class T>
  void set(T value) {
    static_assert(sizeof value <= sizeof bytes_);
    std::memcpy(bytes_.data(), &value, sizeof value);
  }

 private:
  template <class T>
  T as() const {
    T value;
    std::memcpy(&value, bytes_.data(), sizeof value);
    return value;
  }

  std::array<std::byte, 16> bytes_{};
};

// What a host function may do with the call that it serves; valid while it runs. A handle that is
// no block has length 0 and no bytes.
class HostCall {
 public:
  using Handle = std::uint64_t;

  explicit HostCall(Call& call) : call_(call) {}

  std::uint64_t length(Handle block) const;
  // Until the next block is made.
  std::string_view read(Handle block) const;
  std::span<std::uint8_t> bytes(Handle block);
  // A new block; 0 for no bytes, and when there is no room, which ends the guest when the function
  // returns.
  Handle alloc(std::uint64_t length);
  Handle put(std::string_view bytes);
  void free(Handle block);
  // As the guest's error_set does: the call fails with this text even if it returns.
  void set_error(std::string_view text);

  // Who started the call.
  Host& host();

 private:
  Call& call_;
};

struct HostFunctionSpec {
  std::string name;
  std::vector<NumberType> parameters;
  std::vector<NumberType> results;
  // `results` are zeroes to be set. An Error ends the call with Ending::error and this text.
  std::function<Result<void>(HostCall&, std::span<const Number>, std::span<Number>)> body;
  std::string module = "extism:host/user";
};

}  // namespace troupe::guest
