#include "guest/instance_state.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <iterator>

namespace troupe::guest {

namespace {

constexpr std::size_t wasm_page_bytes = 65536;

ValueType type_of(wasmtime_valkind_t kind) {
  switch (kind) {
    case WASMTIME_I32:
      return ValueType::i32;
    case WASMTIME_I64:
      return ValueType::i64;
    case WASMTIME_F32:
      return ValueType::f32;
    case WASMTIME_F64:
      return ValueType::f64;
    default:
      assert(kind == WASMTIME_V128 && "globals of other types are not captured");
      return ValueType::v128;
  }
}

wasmtime_valkind_t kind_of(ValueType type) {
  switch (type) {
    case ValueType::i32:
      return WASMTIME_I32;
    case ValueType::i64:
      return WASMTIME_I64;
    case ValueType::f32:
      return WASMTIME_F32;
    case ValueType::f64:
      return WASMTIME_F64;
    case ValueType::v128:
      break;
  }
  return WASMTIME_V128;
}

}  // namespace

wasmtime_extern_t nth_export(wasmtime_context_t* context,
                             const wasmtime_instance_t& instance,
                             std::size_t index) {
  char* name = nullptr;
  std::size_t name_bytes = 0;
  wasmtime_extern_t item;
  [[maybe_unused]] const bool found =
      wasmtime_instance_export_nth(context, &instance, index, &name, &name_bytes, &item);
  assert(found && "the module's exports do not change");
  return item;
}

InstanceState::InstanceState(wasmtime_context_t* context,
                             const wasmtime_instance_t& instance,
                             const Module::Impl& module)
    : context_(context) {
  assert(module.not_capturable.empty() && "who asks for the state has looked whether there is one");
  if (module.state.memory) {
    memory_ = nth_export(context, instance, *module.state.memory).of.memory;
  }
  globals_.reserve(module.state.globals.size());
  for (const std::size_t index : module.state.globals) {
    globals_.push_back(nth_export(context, instance, index).of.global);
  }
}

std::span<std::uint8_t> InstanceState::memory() const {
  if (!memory_) return {};
  return {wasmtime_memory_data(context_, &*memory_),
          wasmtime_memory_data_size(context_, &*memory_)};
}

std::uint32_t InstanceState::memory_pages() const {
  return static_cast<std::uint32_t>(memory().size() / wasm_page_bytes);
}

std::vector<GlobalValue> InstanceState::globals() const {
  std::vector<GlobalValue> values;
  values.reserve(globals_.size());
  for (const wasmtime_global_t& global : globals_) {
    wasmtime_val_t value;
    wasmtime_global_get(context_, &global, &value);
    GlobalValue out{.type = type_of(value.kind)};
    std::memcpy(out.bits.data(), &value.of, bytes_of(out.type));
    values.push_back(out);
  }
  return values;
}

bool InstanceState::grow_to(std::uint32_t memory_pages) const {
  const std::uint32_t now = this->memory_pages();
  if (memory_pages == now) return true;
  if (!memory_ || memory_pages < now) return false;
  std::uint64_t before = 0;
  if (wasmtime_error_t* error =
          wasmtime_memory_grow(context_, &*memory_, memory_pages - now, &before)) {
    wasmtime_error_delete(error);
    return false;
  }
  return true;
}

void InstanceState::set_globals(std::span<const GlobalValue> values) const {
  assert(values.size() == globals_.size() && "the number of globals was compared");
  for (std::size_t i = 0; i < values.size(); ++i) {
    wasmtime_val_t value{.kind = kind_of(values[i].type), .of = {}};
    std::memcpy(&value.of, values[i].bits.data(), bytes_of(values[i].type));
    [[maybe_unused]] wasmtime_error_t* error = wasmtime_global_set(context_, &globals_[i], &value);
    assert(error == nullptr && "the types of globals were compared");
  }
}

std::vector<std::uint32_t> InstanceState::changed_since(const BaseImage& base,
                                                        const PageScan& scan) const {
  const std::span<const std::uint8_t> memory = this->memory();
  std::vector<std::uint32_t> touched;
  scan.append_touched(memory, touched);
  // What the start-up for the image has changed, this instance may never have touched.
  std::vector<std::uint32_t> candidates;
  candidates.reserve(touched.size() + base.started().size());
  std::ranges::set_union(touched, base.started(), std::back_inserter(candidates));
  std::erase_if(candidates, [&](std::uint32_t page) {
    const std::size_t at = page * page_bytes;
    return at >= memory.size() ||
           std::memcmp(memory.data() + at, base.page(page).data(), page_bytes) == 0;
  });
  return candidates;
}

void copy_memory(const InstanceState& from,
                 const BaseImage& base,
                 const PageScan& scan,
                 std::span<std::uint8_t> to) {
  const std::span<const std::uint8_t> memory = from.memory();
  std::vector<std::uint32_t> pages;
  std::ranges::set_union(from.changed_since(base, scan), base.started(), std::back_inserter(pages));
  for (const std::uint32_t page : pages) {
    const std::size_t at = page * page_bytes;
    if (at < memory.size()) std::memcpy(to.data() + at, memory.data() + at, page_bytes);
  }
}

void append_difference(std::span<const std::uint8_t> memory,
                       std::span<const std::uint32_t> pages,
                       const BaseImage& base,
                       Difference& difference) {
  std::size_t out = difference.bytes.size();
  difference.bytes.resize(out + pages.size() * page_bytes);
  for (const std::uint32_t page : pages) {
    const std::uint8_t* now = memory.data() + page * page_bytes;
    const std::uint8_t* then = base.page(page).data();
    char* to = difference.bytes.data() + out;
    for (std::size_t i = 0; i < page_bytes; ++i) to[i] = static_cast<char>(now[i] ^ then[i]);
    out += page_bytes;
  }
  difference.pages.insert(difference.pages.end(), pages.begin(), pages.end());
}

void apply_difference(const Difference& difference,
                      const BaseImage& base,
                      std::span<std::uint8_t> memory) {
  for (const std::uint32_t page : base.started()) {
    const std::size_t at = page * page_bytes;
    if (at < memory.size() && !std::ranges::binary_search(difference.pages, page)) {
      std::memcpy(memory.data() + at, base.page(page).data(), page_bytes);
    }
  }
  const char* from = difference.bytes.data();
  for (const std::uint32_t page : difference.pages) {
    std::uint8_t* to = memory.data() + page * page_bytes;
    const std::uint8_t* then = base.page(page).data();
    for (std::size_t i = 0; i < page_bytes; ++i) {
      to[i] = static_cast<std::uint8_t>(from[i]) ^ then[i];
    }
    from += page_bytes;
  }
}

}  // namespace troupe::guest
