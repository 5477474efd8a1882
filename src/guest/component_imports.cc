#include "guest/component_imports.h"

#include "base/json.h"
#include "guest/call.h"
#include "guest/component_type.h"
#include "guest/component_value.h"
#include "guest/text.h"

#include <algorithm>
#include <array>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::guest {

namespace {

using LinkerInstance = std::unique_ptr<wasmtime_component_linker_instance_t,
                                       Release<wasmtime_component_linker_instance_delete>>;
using ResourceType = std::unique_ptr<wasmtime_component_resource_type_t,
                                     Release<wasmtime_component_resource_type_delete>>;
using HostResource = std::unique_ptr<wasmtime_component_resource_host_t,
                                     Release<wasmtime_component_resource_host_delete>>;

// What one call of an import is given. The kinds of the arguments are those that the import's table
// entry says: they were checked when the component was loaded.
struct Asked {
  wasmtime_context_t* context;
  std::span<ComponentValue> arguments;
  ComponentValue* result;
};

struct Import {
  std::string_view interface;
  std::string_view name;
  // A letter for each parameter: b and o for a borrowed and an owned resource, B for a list of
  // borrowed ones, l for a list of u8, s for a string, r for a result, u for u8, U for u64.
  std::string_view parameters;
  wasmtime_error_t* (*function)(const Asked& asked);
  bool waits = false;
};

// ---- Ends

wasmtime_error_t* refuse(std::string reason) {
  running_call->refusal = std::move(reason);
  return wasmtime_error_new(running_call->refusal->c_str());
}

// ---- Results

void give_u64(ComponentValue& to, std::uint64_t value) {
  to.kind = WASMTIME_COMPONENT_U64;
  to.of.u64 = value;
}

void give_list(ComponentValue& to, std::size_t size) {
  wasmtime_component_vallist_new_uninit(&to.of.list, size);
  to.kind = WASMTIME_COMPONENT_LIST;
  for (std::size_t i = 0; i < size; ++i) to.of.list.data[i] = ComponentValue{};
}

void give_none(ComponentValue& to) {
  to.kind = WASMTIME_COMPONENT_OPTION;
  to.of.option = nullptr;
}

void give_result(ComponentValue& to, bool is_ok, OwnedValue* value = nullptr) {
  to.kind = WASMTIME_COMPONENT_RESULT;
  to.of.result = {is_ok, value == nullptr ? nullptr : wasmtime_component_val_new(value)};
}

void give_case(ComponentValue& to, std::string_view name) {
  to.kind = WASMTIME_COMPONENT_VARIANT;
  wasm_byte_vec_new(&to.of.variant.discriminant, name.size(), name.data());
  to.of.variant.val = nullptr;
}

void give_string(ComponentValue& to, std::string_view text) {
  wasm_byte_vec_new(&to.of.string, text.size(), text.data());
  to.kind = WASMTIME_COMPONENT_STRING;
}

// ---- Resources: a number of ours that the guest cannot forge.

enum ResourceId : std::uint32_t { stream_in, stream_out, pollable, other };

ResourceId id_of(std::string_view resource) {
  if (resource == "input-stream") return stream_in;
  if (resource == "output-stream") return stream_out;
  if (resource == "pollable") return pollable;
  return other;  // none is ever made
}

wasmtime_error_t* give_resource(const Asked& asked, ResourceId id, std::uint32_t number) {
  const HostResource resource(wasmtime_component_resource_host_new(true, number, id));
  wasmtime_component_resource_any_t* any = nullptr;
  if (wasmtime_error_t* error =
          wasmtime_component_resource_host_to_any(asked.context, resource.get(), &any)) {
    return error;
  }
  asked.result->kind = WASMTIME_COMPONENT_RESOURCE;
  asked.result->of.resource = any;
  return nullptr;
}

// The number behind a resource, an error when it is none of ours.
wasmtime_error_t* number_of(const Asked& asked,
                            const ComponentValue& value,
                            std::uint32_t& number) {
  wasmtime_component_resource_host_t* raw = nullptr;
  if (wasmtime_error_t* error =
          wasmtime_component_resource_any_to_host(asked.context, value.of.resource, &raw)) {
    return error;
  }
  number = wasmtime_component_resource_host_rep(HostResource(raw).get());
  return nullptr;
}

// ---- wasi:cli

wasmtime_error_t* no_list(const Asked& asked) {
  give_list(*asked.result, 0);
  return nullptr;
}

wasmtime_error_t* none(const Asked& asked) {
  give_none(*asked.result);
  return nullptr;
}

wasmtime_error_t* end_with(std::int32_t code) {
  running_call->exit_code = code;
  return wasmtime_error_new("exit");
}

wasmtime_error_t* exit(const Asked& asked) {
  return end_with(asked.arguments[0].of.result.is_ok ? 0 : 1);
}

wasmtime_error_t* exit_with_code(const Asked& asked) {
  return end_with(asked.arguments[0].of.u8);
}

template <ResourceId Id, std::uint32_t Number>
wasmtime_error_t* stream(const Asked& asked) {
  return give_resource(asked, Id, Number);
}

// ---- wasi:io/streams: input is at its end, output is the plugin's log.

// Bytes that a guest may write at once.
constexpr std::uint64_t write_bytes_max = 4096;

constexpr std::uint32_t standard_error_number = 2;

wasmtime_error_t* closed(const Asked& asked) {
  OwnedValue error;
  give_case(error, "closed");
  give_result(*asked.result, false, &error);
  return nullptr;
}

wasmtime_error_t* check_write(const Asked& asked) {
  OwnedValue bytes;
  give_u64(bytes, write_bytes_max);
  give_result(*asked.result, true, &bytes);
  return nullptr;
}

wasmtime_error_t* write(const Asked& asked) {
  std::uint32_t number = 0;
  if (wasmtime_error_t* error = number_of(asked, asked.arguments[0], number)) return error;
  const wasmtime_component_vallist_t& list = asked.arguments[1].of.list;
  if (list.size > write_bytes_max) {
    return refuse("output-stream.write: more than the " + std::to_string(write_bytes_max) +
                  " bytes that check-write allows");
  }
  std::string bytes;
  for (std::size_t i = 0; i < list.size; ++i) bytes += static_cast<char>(list.data[i].of.u8);
  Call& call = *running_call;
  LineWriter& writer = number == standard_error_number ? call.standard_error : call.standard_output;
  writer.write(bytes, call.environment.limits.log_level, call.host);
  give_result(*asked.result, true);
  return nullptr;
}

wasmtime_error_t* written(const Asked& asked) {
  std::uint32_t number = 0;
  if (wasmtime_error_t* error = number_of(asked, asked.arguments[0], number)) return error;
  give_result(*asked.result, true);
  return nullptr;
}

// ---- wasi:io/poll and wasi:clocks: a pollable is a time of the turn's clock.

std::uint64_t now_ns() {
  return static_cast<std::uint64_t>(running_call->source.now_ns());
}

wasmtime_error_t* give_pollable(const Asked& asked, std::uint64_t due_ns) {
  const std::optional<std::uint32_t> number = running_call->pollables->add(due_ns);
  if (!number) {
    return refuse("more than " + std::to_string(Pollables::count_max) + " pollables at once");
  }
  return give_resource(asked, pollable, *number);
}

wasmtime_error_t* ready_pollable(const Asked& asked) {
  return give_pollable(asked, 0);
}

wasmtime_error_t* subscribe_instant(const Asked& asked) {
  return give_pollable(asked, asked.arguments[0].of.u64);
}

wasmtime_error_t* subscribe_duration(const Asked& asked) {
  const std::uint64_t now = now_ns();
  const std::uint64_t duration = asked.arguments[0].of.u64;
  return give_pollable(asked,
                       now + std::min(duration, std::numeric_limits<std::uint64_t>::max() - now));
}

wasmtime_error_t* due_of(const Asked& asked, const ComponentValue& value, std::uint64_t& due_ns) {
  std::uint32_t number = 0;
  if (wasmtime_error_t* error = number_of(asked, value, number)) return error;
  due_ns = running_call->pollables->due_ns(number);
  return nullptr;
}

wasmtime_error_t* is_ready(const Asked& asked) {
  std::uint64_t due = 0;
  if (wasmtime_error_t* error = due_of(asked, asked.arguments[0], due)) return error;
  asked.result->kind = WASMTIME_COMPONENT_BOOL;
  asked.result->of.boolean = due <= now_ns();
  return nullptr;
}

// The one who polls the fibre waits, and moves the clock on (Instance::Impl::go_on).
void wait_until(std::uint64_t due_ns) {
  if (due_ns > now_ns()) running_call->wait_ns = due_ns - now_ns();
}

wasmtime_error_t* block(const Asked& asked) {
  std::uint64_t due = 0;
  if (wasmtime_error_t* error = due_of(asked, asked.arguments[0], due)) return error;
  wait_until(due);
  return nullptr;
}

wasmtime_error_t* poll(const Asked& asked) {
  const wasmtime_component_vallist_t& list = asked.arguments[0].of.list;
  if (list.size == 0) return refuse("poll: the list of pollables is empty");
  std::vector<std::uint64_t> due(list.size);
  for (std::size_t i = 0; i < list.size; ++i) {
    if (wasmtime_error_t* error = due_of(asked, list.data[i], due[i])) return error;
  }
  const std::uint64_t until = std::max(std::ranges::min(due), now_ns());
  wait_until(until);
  const auto ready = [&](std::uint64_t due_ns) { return due_ns <= until; };
  give_list(*asked.result, static_cast<std::size_t>(std::ranges::count_if(due, ready)));
  ComponentValue* next = asked.result->of.list.data;
  for (std::size_t i = 0; i < due.size(); ++i) {
    if (!ready(due[i])) continue;
    next->kind = WASMTIME_COMPONENT_U32;
    next->of.u32 = static_cast<std::uint32_t>(i);
    ++next;
  }
  return nullptr;
}

constexpr std::uint64_t ns_per_s = 1'000'000'000;
constexpr std::uint64_t resolution_ns = 1000;  // of each reading

wasmtime_error_t* monotonic_now(const Asked& asked) {
  give_u64(*asked.result, static_cast<std::uint64_t>(running_call->source.read_clock_ns()));
  return nullptr;
}

wasmtime_error_t* monotonic_resolution(const Asked& asked) {
  give_u64(*asked.result, resolution_ns);
  return nullptr;
}

void give_datetime(ComponentValue& to, std::uint64_t ns) {
  wasmtime_component_valrecord_new_uninit(&to.of.record, 2);
  to.kind = WASMTIME_COMPONENT_RECORD;
  wasmtime_component_valrecord_entry_t* const fields = to.of.record.data;
  constexpr std::string_view seconds = "seconds";
  constexpr std::string_view nanoseconds = "nanoseconds";
  wasm_byte_vec_new(&fields[0].name, seconds.size(), seconds.data());
  give_u64(fields[0].val, ns / ns_per_s);
  wasm_byte_vec_new(&fields[1].name, nanoseconds.size(), nanoseconds.data());
  fields[1].val.kind = WASMTIME_COMPONENT_U32;
  fields[1].val.of.u32 = static_cast<std::uint32_t>(ns % ns_per_s);
}

wasmtime_error_t* wall_now(const Asked& asked) {
  give_datetime(*asked.result, static_cast<std::uint64_t>(running_call->source.read_clock_ns()));
  return nullptr;
}

wasmtime_error_t* wall_resolution(const Asked& asked) {
  give_datetime(*asked.result, resolution_ns);
  return nullptr;
}

// ---- wasi:random

constexpr std::uint64_t random_bytes_max = 65536;  // at once

std::uint64_t random_number() {
  std::array<std::uint8_t, sizeof(std::uint64_t)> bytes{};
  running_call->source.random(bytes);
  std::uint64_t number = 0;
  std::memcpy(&number, bytes.data(), sizeof number);
  return number;
}

wasmtime_error_t* random_bytes(const Asked& asked) {
  const std::uint64_t length = asked.arguments[0].of.u64;
  if (length > random_bytes_max) {
    return refuse("get-random-bytes: more than " + std::to_string(random_bytes_max) +
                  " bytes at once");
  }
  std::vector<std::uint8_t> bytes(length);
  running_call->source.random(bytes);
  give_list(*asked.result, bytes.size());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    asked.result->of.list.data[i].kind = WASMTIME_COMPONENT_U8;
    asked.result->of.list.data[i].of.u8 = bytes[i];
  }
  return nullptr;
}

wasmtime_error_t* random_u64(const Asked& asked) {
  give_u64(*asked.result, random_number());
  return nullptr;
}

wasmtime_error_t* random_pair(const Asked& asked) {
  wasmtime_component_valtuple_new_uninit(&asked.result->of.tuple, 2);
  asked.result->kind = WASMTIME_COMPONENT_TUPLE;
  for (std::size_t i = 0; i < 2; ++i) give_u64(asked.result->of.tuple.data[i], random_number());
  return nullptr;
}

// ---- troupe:actor/host

wasmtime_error_t* ask_host(std::string_view function, std::string_view input, std::string& answer) {
  Result<std::string> answered = running_call->host.call(function, input);
  if (answered.has_error()) {
    running_call->refused_by_host = true;
    return refuse(std::move(answered.error().message));
  }
  answer = std::move(*answered);
  return nullptr;
}

wasmtime_error_t* self(const Asked& asked) {
  std::string answer;
  if (wasmtime_error_t* error = ask_host("self", {}, answer)) return error;
  give_string(*asked.result, answer);
  return nullptr;
}

wasmtime_error_t* push(std::string_view function, const Asked& asked) {
  const std::string_view detail = view(&asked.arguments[1].of.string);
  json::Tape tape;
  if (const auto parsed = json::parse(detail, tape); parsed.has_error()) {
    running_call->refused_by_host = true;
    return refuse(std::string(function) + ": the detail is no JSON: " + parsed.error().message);
  }
  std::string input = "{\"name\":";
  json::quote(input, view(&asked.arguments[0].of.string));
  input += ",\"detail\":";
  input += detail;
  input += '}';
  std::string answer;
  return ask_host(function, input, answer);
}

wasmtime_error_t* reply(const Asked& asked) {
  return push("reply", asked);
}

wasmtime_error_t* broadcast(const Asked& asked) {
  return push("broadcast", asked);
}

// ---- The table

constexpr std::string_view environment = "wasi:cli/environment";
constexpr std::string_view cli_exit = "wasi:cli/exit";
constexpr std::string_view monotonic = "wasi:clocks/monotonic-clock";
constexpr std::string_view wall = "wasi:clocks/wall-clock";
constexpr std::string_view io_poll = "wasi:io/poll";
constexpr std::string_view streams = "wasi:io/streams";
constexpr std::string_view insecure = "wasi:random/insecure";
constexpr std::string_view random = "wasi:random/random";
constexpr std::string_view host = "troupe:actor/host";

constexpr std::array imports{
    Import{environment, "get-environment", "", no_list},
    Import{environment, "get-arguments", "", no_list},
    Import{environment, "initial-cwd", "", none},
    Import{cli_exit, "exit", "r", exit},
    Import{cli_exit, "exit-with-code", "u", exit_with_code},
    Import{"wasi:cli/stdin", "get-stdin", "", stream<stream_in, 0>},
    Import{"wasi:cli/stdout", "get-stdout", "", stream<stream_out, 1>},
    Import{"wasi:cli/stderr", "get-stderr", "", stream<stream_out, standard_error_number>},
    Import{"wasi:cli/terminal-stdin", "get-terminal-stdin", "", none},
    Import{"wasi:cli/terminal-stdout", "get-terminal-stdout", "", none},
    Import{"wasi:cli/terminal-stderr", "get-terminal-stderr", "", none},
    Import{monotonic, "now", "", monotonic_now},
    Import{monotonic, "resolution", "", monotonic_resolution},
    Import{monotonic, "subscribe-instant", "U", subscribe_instant},
    Import{monotonic, "subscribe-duration", "U", subscribe_duration},
    Import{wall, "now", "", wall_now},
    Import{wall, "resolution", "", wall_resolution},
    Import{"wasi:filesystem/preopens", "get-directories", "", no_list},
    Import{io_poll, "[method]pollable.ready", "b", is_ready},
    Import{io_poll, "[method]pollable.block", "b", block, true},
    Import{io_poll, "poll", "B", poll, true},
    Import{streams, "[method]input-stream.read", "bU", closed},
    Import{streams, "[method]input-stream.blocking-read", "bU", closed},
    Import{streams, "[method]input-stream.skip", "bU", closed},
    Import{streams, "[method]input-stream.blocking-skip", "bU", closed},
    Import{streams, "[method]input-stream.subscribe", "b", ready_pollable},
    Import{streams, "[method]output-stream.check-write", "b", check_write},
    Import{streams, "[method]output-stream.write", "bl", write},
    Import{streams, "[method]output-stream.blocking-write-and-flush", "bl", write},
    Import{streams, "[method]output-stream.flush", "b", written},
    Import{streams, "[method]output-stream.blocking-flush", "b", written},
    Import{streams, "[method]output-stream.subscribe", "b", ready_pollable},
    Import{random, "get-random-bytes", "U", random_bytes},
    Import{random, "get-random-u64", "", random_u64},
    Import{insecure, "get-insecure-random-bytes", "U", random_bytes},
    Import{insecure, "get-insecure-random-u64", "", random_u64},
    Import{"wasi:random/insecure-seed", "insecure-seed", "", random_pair},
    Import{host, "self", "", self},
    Import{host, "reply", "ss", reply},
    Import{host, "broadcast", "ss", broadcast},
};

// Programs link these without need, and cannot come to use them: there are no directories, and
// whoever asks for a socket learns at the call that there are none.
constexpr std::array<std::string_view, 11> linked_only = {"wasi:io/error",
                                                          "wasi:cli/terminal-input",
                                                          "wasi:cli/terminal-output",
                                                          "wasi:filesystem/types",
                                                          "wasi:sockets/instance-network",
                                                          "wasi:sockets/ip-name-lookup",
                                                          "wasi:sockets/network",
                                                          "wasi:sockets/tcp",
                                                          "wasi:sockets/tcp-create-socket",
                                                          "wasi:sockets/udp",
                                                          "wasi:sockets/udp-create-socket"};

// ---- Linking

wasmtime_error_t* call_import(void* data,
                              wasmtime_context_t* context,
                              const wasmtime_component_func_type_t*,
                              ComponentValue* arguments,
                              std::size_t argument_count,
                              ComponentValue* results,
                              std::size_t) {
  return static_cast<const Import*>(data)->function(
      {context, {arguments, argument_count}, results});
}

void call_waiting_import(void* data,
                         wasmtime_context_t* context,
                         const wasmtime_component_func_type_t*,
                         ComponentValue* arguments,
                         std::size_t argument_count,
                         ComponentValue* results,
                         std::size_t,
                         wasmtime_error_t** error,
                         wasmtime_async_continuation_t* continuation) {
  *error =
      static_cast<const Import*>(data)->function({context, {arguments, argument_count}, results});
  *continuation = {[](void* call) { return !static_cast<Call*>(call)->wait_ns.has_value(); },
                   running_call,
                   nullptr};
}

wasmtime_error_t* call_missing(void* data,
                               wasmtime_context_t*,
                               const wasmtime_component_func_type_t*,
                               ComponentValue*,
                               std::size_t,
                               ComponentValue*,
                               std::size_t) {
  return refuse(*static_cast<const std::string*>(data) + ", which Troupe does not offer");
}

wasmtime_error_t* drop_resource(void* data, wasmtime_context_t*, std::uint32_t number) {
  if (data != nullptr) running_call->pollables->remove(number);
  return nullptr;
}

bool has_kind(const wasmtime_component_valtype_t& type, char letter) {
  const auto element_is = [&](wasmtime_component_valtype_kind_t kind) {
    if (type.kind != WASMTIME_COMPONENT_VALTYPE_LIST) return false;
    OwnedValueType element;
    wasmtime_component_list_type_element(type.of.list, &element);
    return element.kind == kind;
  };
  switch (letter) {
    case 'b':
      return type.kind == WASMTIME_COMPONENT_VALTYPE_BORROW;
    case 'o':
      return type.kind == WASMTIME_COMPONENT_VALTYPE_OWN;
    case 'B':
      return element_is(WASMTIME_COMPONENT_VALTYPE_BORROW);
    case 'l':
      return element_is(WASMTIME_COMPONENT_VALTYPE_U8);
    case 's':
      return type.kind == WASMTIME_COMPONENT_VALTYPE_STRING;
    case 'r':
      return type.kind == WASMTIME_COMPONENT_VALTYPE_RESULT;
    case 'u':
      return type.kind == WASMTIME_COMPONENT_VALTYPE_U8;
    case 'U':
      return type.kind == WASMTIME_COMPONENT_VALTYPE_U64;
    default:
      return false;
  }
}

// Whether the import has the parameters that its function reads, and a result where that gives one.
// The kind of the result is checked by Wasmtime when it is given.
bool fits(const wasmtime_component_func_type_t* type, const Import& import) {
  if (wasmtime_component_func_type_async(type)) return false;
  if (wasmtime_component_func_type_param_count(type) != import.parameters.size()) return false;
  for (std::size_t i = 0; i < import.parameters.size(); ++i) {
    const char* name = nullptr;
    std::size_t name_bytes = 0;
    OwnedValueType parameter;
    wasmtime_component_func_type_param_nth(type, i, &name, &name_bytes, &parameter);
    if (!has_kind(parameter, import.parameters[i])) return false;
  }
  OwnedValueType result;
  const bool gives = import.function != exit && import.function != exit_with_code &&
                     import.function != block && import.function != reply &&
                     import.function != broadcast;
  return wasmtime_component_func_type_result(type, &result) == gives;
}

Result<void> checked(wasmtime_error_t* error, std::string_view what) {
  if (error == nullptr) return {};
  return Error{"the import " + std::string(what) + " cannot be linked: " + message_of(error)};
}

Result<void> link_function(wasmtime_component_linker_instance_t* to,
                           std::string_view interface,
                           std::string_view name,
                           const wasmtime_component_func_type_t* type) {
  const std::string what = readable(interface, 256) + " " + readable(name, 256);
  const auto found = std::ranges::find_if(imports, [&](const Import& import) {
    return import.interface == interface && import.name == name;
  });
  if (found == imports.end()) {
    auto said = std::make_unique<std::string>("the plugin called " + what);
    return checked(wasmtime_component_linker_instance_add_func(
                       to,
                       name.data(),
                       name.size(),
                       call_missing,
                       said.release(),
                       [](void* text) { delete static_cast<std::string*>(text); }),
                   what);
  }
  if (!fits(type, *found)) {
    return Error{"the component imports " + what +
                 " with another type than it has. Take the interface's own WIT file."};
  }
  auto* const data = const_cast<Import*>(&*found);  // only ever read
  return checked(found->waits
                     ? wasmtime_component_linker_instance_add_func_async(
                           to, name.data(), name.size(), call_waiting_import, data, nullptr)
                     : wasmtime_component_linker_instance_add_func(
                           to, name.data(), name.size(), call_import, data, nullptr),
                 what);
}

Result<void> link_resource(wasmtime_component_linker_instance_t* to, std::string_view name) {
  static constinit char is_pollable = 0;
  const ResourceId id = id_of(name);
  const ResourceType type(wasmtime_component_resource_type_new_host(id));
  return checked(
      wasmtime_component_linker_instance_add_resource(to,
                                                      name.data(),
                                                      name.size(),
                                                      type.get(),
                                                      drop_resource,
                                                      id == pollable ? &is_pollable : nullptr,
                                                      nullptr),
      readable(name, 256));
}

// Versions 0.2 of WASI are one; our own have none.
Result<std::string_view> interface_of(std::string_view name) {
  const std::size_t at = name.find('@');
  const std::string_view interface = name.substr(0, at);
  const std::string_view version = at == std::string_view::npos ? "" : name.substr(at + 1);
  const bool is_offered =
      std::ranges::any_of(imports, [&](const Import& i) { return i.interface == interface; }) ||
      std::ranges::find(linked_only, interface) != linked_only.end();
  if (!is_offered) {
    return Error{"the component imports \"" + readable(name, 256) +
                 "\", which nobody provides. Components may import WASI 0.2 without HTTP and "
                 "sockets, and troupe:actor/host."};
  }
  if (interface.starts_with("wasi:") && !version.starts_with("0.2.")) {
    return Error{"the component imports \"" + readable(name, 256) +
                 "\", but Troupe offers versions 0.2 of WASI. Build for wasm32-wasip2."};
  }
  return interface;
}

struct OwnedItem : wasmtime_component_item_t {
  OwnedItem() : wasmtime_component_item_t{} {}
  OwnedItem(const OwnedItem&) = delete;
  OwnedItem& operator=(const OwnedItem&) = delete;
  ~OwnedItem() { wasmtime_component_item_delete(this); }
};

Result<void> link_interface(const wasm_engine_t* engine,
                            wasmtime_component_linker_t* linker,
                            std::string_view name,
                            const wasmtime_component_instance_type_t* type) {
  TRY(const std::string_view interface, interface_of(name));
  const LinkerInstance root(wasmtime_component_linker_root(linker));
  wasmtime_component_linker_instance_t* raw = nullptr;
  TRY_VOID(checked(
      wasmtime_component_linker_instance_add_instance(root.get(), name.data(), name.size(), &raw),
      readable(name, 256)));
  const LinkerInstance to(raw);
  const std::size_t count = wasmtime_component_instance_type_export_count(type, engine);
  for (std::size_t i = 0; i < count; ++i) {
    const char* item_name = nullptr;
    std::size_t item_name_bytes = 0;
    wasmtime_component_extern_t* raw_extern = nullptr;
    wasmtime_component_instance_type_export_nth(
        type, engine, i, &item_name, &item_name_bytes, &raw_extern);
    const WasmComponentExtern exported(raw_extern);
    OwnedItem item;
    wasmtime_component_extern_type(exported.get(), &item);
    const std::string_view of_item(item_name, item_name_bytes);
    if (item.kind == WASMTIME_COMPONENT_ITEM_COMPONENT_FUNC) {
      TRY_VOID(link_function(to.get(), interface, of_item, item.of.component_func));
    } else if (item.kind == WASMTIME_COMPONENT_ITEM_RESOURCE) {
      TRY_VOID(link_resource(to.get(), of_item));
    }
  }
  return {};
}

}  // namespace

Result<WasmComponentLinker> link_component(const wasm_engine_t* engine,
                                           const wasmtime_component_type_t* type) {
  WasmComponentLinker linker(wasmtime_component_linker_new(engine));
  const std::size_t count = wasmtime_component_type_import_count(type, engine);
  for (std::size_t i = 0; i < count; ++i) {
    const char* raw_name = nullptr;
    std::size_t name_bytes = 0;
    wasmtime_component_extern_t* raw = nullptr;
    wasmtime_component_type_import_nth(type, engine, i, &raw_name, &name_bytes, &raw);
    const WasmComponentExtern import(raw);
    const std::string_view name(raw_name, name_bytes);
    OwnedItem item;
    wasmtime_component_extern_type(import.get(), &item);
    if (item.kind == WASMTIME_COMPONENT_ITEM_TYPE) continue;
    if (item.kind != WASMTIME_COMPONENT_ITEM_COMPONENT_INSTANCE) {
      return Error{"the component imports \"" + readable(name, 256) +
                   "\" by itself, but components may import interfaces only"};
    }
    TRY_VOID(link_interface(engine, linker.get(), name, item.of.component_instance));
  }
  return linker;
}

}  // namespace troupe::guest
