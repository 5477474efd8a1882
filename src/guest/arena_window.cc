#include "guest/arena_window.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>
#include <string_view>

namespace troupe::guest {

namespace {

constexpr std::uint64_t wasm_page_bytes = 65536;

}  // namespace

void WarmWindows::add(ArenaWindow& window) {
  windows_.push_back(&window);
  if (windows_.size() <= windows_max) return;
  ArenaWindow* const oldest = windows_.front();
  windows_.erase(windows_.begin());
  oldest->give_back();
}

void WarmWindows::remove(ArenaWindow& window) {
  std::erase(windows_, &window);
}

ArenaWindow::~ArenaWindow() {
  if (state_ == State::found) warm_.remove(*this);
}

bool ArenaWindow::find() {
  state_ = State::missing;
  const auto exported = [&](std::string_view name, wasmtime_extern_t& item) {
    return wasmtime_instance_export_get(context_, &instance_, name.data(), name.size(), &item);
  };
  wasmtime_extern_t item;
  if (!exported(window_export, item) || item.kind != WASMTIME_EXTERN_MEMORY) return false;
  memory_ = item.of.memory;
  for (std::size_t i = 0; i < globals_.size(); ++i) {
    if (!exported(window_bound_exports[i], item) || item.kind != WASMTIME_EXTERN_GLOBAL) {
      return false;
    }
    globals_[i] = item.of.global;
    if (!set(static_cast<WindowBound>(i), 0)) return false;
  }
  state_ = State::found;
  return true;
}

// False for a global of another type: the module was not made here.
bool ArenaWindow::set(WindowBound bound, std::uint64_t value) {
  const auto index = static_cast<std::size_t>(bound);
  const wasmtime_val_t out{.kind = WASMTIME_I64, .of = {.i64 = static_cast<std::int64_t>(value)}};
  const WasmError error(wasmtime_global_set(context_, &globals_[index], &out));
  shown_[index] = value;
  return error == nullptr;
}

std::uint8_t* ArenaWindow::room(std::uint64_t bytes) {
  if (state_ == State::missing) return nullptr;
  if (state_ == State::not_looked_for && !find()) return nullptr;
  warm_.remove(*this);
  const std::uint64_t has = wasmtime_memory_size(context_, &memory_);
  const std::uint64_t needs = (bytes + wasm_page_bytes - 1) / wasm_page_bytes;
  if (needs > has) {
    // Twice as much where that can be had: each growth is a call of the system.
    std::uint64_t before = 0;
    const auto grow = [&](std::uint64_t pages) {
      return WasmError(wasmtime_memory_grow(context_, &memory_, pages - has, &before)) == nullptr;
    };
    if (!grow(std::bit_ceil(needs)) && !grow(needs)) return nullptr;
  }
  return this->bytes();
}

void ArenaWindow::show(const Reach& reach) {
  const std::array values{
      reach.bytes, reach.words, reach.input, reach.input_bytes, reach.input_words};
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] == shown_[i]) continue;
    [[maybe_unused]] const bool done = set(static_cast<WindowBound>(i), values[i]);
    assert(done && "it was set before");
  }
}

void ArenaWindow::leave(std::uint64_t used) {
  show({});
  held_ = {bytes(), wasmtime_memory_data_size(context_, &memory_)};
  if (used > WarmWindows::window_bytes_max) return give_back();
  std::memset(held_.data(), 0, used);
  warm_.add(*this);
}

void ArenaWindow::give_back() {
  // Anonymous and private, as all memories of the pool: what is given back reads as zero.
  if (::madvise(held_.data(), held_.size(), MADV_DONTNEED) != 0) {
    std::memset(held_.data(), 0, held_.size());
  }
}

}  // namespace troupe::guest
