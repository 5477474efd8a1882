#include "guest/memory_budget.h"

#include "guest/growth.h"

#include <algorithm>
#include <string_view>

namespace troupe::guest {

bool find_growth_left(wasmtime_context_t* context,
                      const wasmtime_instance_t& instance,
                      wasmtime_global_t& global) {
  const std::string_view name = growth_left_export;
  wasmtime_extern_t item;
  if (!wasmtime_instance_export_get(context, &instance, name.data(), name.size(), &item)) {
    return false;
  }
  if (item.kind != WASMTIME_EXTERN_GLOBAL) return false;
  global = item.of.global;
  return true;
}

std::int32_t read_growth_left(wasmtime_context_t* context, const wasmtime_global_t& global) {
  wasmtime_val_t value{};
  wasmtime_global_get(context, &global, &value);
  return value.of.i32;
}

void MemoryBudget::add(const wasmtime_instance_t& instance) {
  wasmtime_global_t global;
  if (!find_growth_left(context_, instance, global)) return;
  globals_.push_back(global);
  const wasmtime_val_t value{.kind = WASMTIME_I32, .of = {.i32 = static_cast<std::int32_t>(left_)}};
  wasmtime_global_set(context_, &global, &value);
}

bool MemoryBudget::take(std::uint64_t pages) {
  settle();
  if (pages > left_) return false;
  left_ -= pages;
  write(left_);
  return true;
}

bool MemoryBudget::refused() const {
  return std::ranges::any_of(globals_, [&](const wasmtime_global_t& global) {
    return read_growth_left(context_, global) < 0;
  });
}

// Takes from the sum what each module has taken.
void MemoryBudget::settle() {
  std::uint64_t taken = 0;
  for (const wasmtime_global_t& global : globals_) {
    const auto left = static_cast<std::uint64_t>(std::max(read_growth_left(context_, global), 0));
    taken += left_ - std::min(left, left_);
  }
  left_ -= std::min(taken, left_);
  write(left_);
}

void MemoryBudget::write(std::uint64_t left) const {
  const wasmtime_val_t value{.kind = WASMTIME_I32, .of = {.i32 = static_cast<std::int32_t>(left)}};
  for (const wasmtime_global_t& global : globals_) {
    wasmtime_global_set(context_, &global, &value);
  }
}

}  // namespace troupe::guest
