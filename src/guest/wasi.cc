// WASI preview 1, all of it ours: a clock, random numbers, two streams that are the plugin's log,
// waiting, and an end; and where a plugin may see folders of the host, their files (wasi_files.cc).
// There are no arguments, variables of the environment or sockets; the functions for what is not
// there say so by the error numbers with which the runtimes of Rust, Go, C and AssemblyScript
// start.
//
// Time and random numbers are the turn's (call.h), so that a turn can be repeated.
#include "guest/call.h"
#include "guest/files.h"
#include "guest/imports.h"
#include "guest/wasi_abi.h"
#include "guest/wasi_files.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

namespace troupe::guest {

namespace {

using Value = wasmtime_val_raw_t;
using Caller = wasmtime_caller_t;

using enum Errno;

constexpr std::uint32_t standard_input = 0;
constexpr std::uint32_t standard_output = 1;
constexpr std::uint32_t standard_error = 2;
constexpr std::uint32_t descriptors = 3;

std::uint32_t u32(const Value& value) {
  return static_cast<std::uint32_t>(value.i32);
}

wasm_trap_t* answer(Value* v, Errno code) {
  v->i32 = static_cast<std::int32_t>(code);
  return nullptr;
}

// Arguments and environment: none of either.

wasm_trap_t* sizes_of_nothing(void*, Caller* caller, Value* v, std::size_t) {
  const GuestMemory memory(caller);
  const bool written =
      memory.write<std::uint32_t>(u32(v[0]), 0) && memory.write<std::uint32_t>(u32(v[1]), 0);
  return answer(v, written ? success : fault);
}

wasm_trap_t* list_of_nothing(void*, Caller*, Value* v, std::size_t) {
  return answer(v, success);
}

// Clocks.

enum ClockId : std::uint32_t { realtime = 0, monotonic = 1, process_time = 2, thread_time = 3 };

wasm_trap_t* clock_res_get(void*, Caller* caller, Value* v, std::size_t) {
  if (u32(v[0]) > thread_time) return answer(v, invalid);
  return answer(v, GuestMemory(caller).write<std::uint64_t>(u32(v[1]), 1000) ? success : fault);
}

wasm_trap_t* clock_time_get(void*, Caller* caller, Value* v, std::size_t) {
  if (u32(v[0]) > thread_time) return answer(v, invalid);
  const GuestMemory memory(caller);
  const std::uint32_t to = u32(v[2]);
  if (!memory.holds(to, sizeof(std::int64_t))) return answer(v, fault);
  memory.write(to, running_call->source.read_clock_ns());
  return answer(v, success);
}

wasm_trap_t* random_get(void*, Caller* caller, Value* v, std::size_t) {
  const GuestMemory memory(caller);
  const std::uint32_t to = u32(v[0]);
  const std::uint32_t length = u32(v[1]);
  if (!memory.holds(to, length)) return answer(v, fault);
  running_call->source.random(memory.range(to, length));
  return answer(v, success);
}

// Descriptors: 0 is at its end, 1 and 2 go to the log; there are no others.

wasm_trap_t* no_descriptor(void*, Caller*, Value* v, std::size_t) {
  return answer(v, bad_descriptor);
}

// For what makes no sense on the three streams and with any other descriptor.
template <Errno OfAStream>
wasm_trap_t* not_on_streams(void*, Caller*, Value* v, std::size_t) {
  return answer(v, u32(v[0]) < descriptors ? OfAStream : bad_descriptor);
}

wasm_trap_t* fd_fdstat_get(void*, Caller* caller, Value* v, std::size_t) {
  constexpr std::uint8_t character_device = 2;
  constexpr std::uint64_t right_to_read = 1U << 1;
  constexpr std::uint64_t right_to_write = 1U << 6;
  const std::uint32_t descriptor = u32(v[0]);
  if (descriptor >= descriptors) return answer(v, bad_descriptor);
  const GuestMemory memory(caller);
  const std::uint32_t to = u32(v[1]);
  if (!memory.holds(to, 24)) return answer(v, fault);
  std::ranges::fill(memory.range(to, 24), std::uint8_t{0});
  memory.write(to, character_device);
  memory.write(to + 8, descriptor == standard_input ? right_to_read : right_to_write);
  return answer(v, success);
}

wasm_trap_t* fd_filestat_get(void*, Caller* caller, Value* v, std::size_t) {
  constexpr std::uint8_t character_device = 2;
  if (u32(v[0]) >= descriptors) return answer(v, bad_descriptor);
  const GuestMemory memory(caller);
  const std::uint32_t to = u32(v[1]);
  if (!memory.holds(to, 64)) return answer(v, fault);
  std::ranges::fill(memory.range(to, 64), std::uint8_t{0});
  memory.write(to + 16, character_device);
  return answer(v, success);
}

wasm_trap_t* fd_read(void*, Caller* caller, Value* v, std::size_t) {
  if (u32(v[0]) != standard_input) return answer(v, bad_descriptor);
  return answer(v, GuestMemory(caller).write<std::uint32_t>(u32(v[3]), 0) ? success : fault);
}

wasm_trap_t* fd_write(void*, Caller* caller, Value* v, std::size_t) {
  const std::uint32_t descriptor = u32(v[0]);
  if (descriptor != standard_output && descriptor != standard_error)
    return answer(v, bad_descriptor);
  const GuestMemory memory(caller);
  const std::uint32_t vectors = u32(v[1]);
  const std::uint32_t count = u32(v[2]);
  const std::uint32_t written_to = u32(v[3]);
  if (!memory.holds(vectors, std::uint64_t{count} * 8) || !memory.holds(written_to, 4)) {
    return answer(v, fault);
  }
  Call& call = *running_call;
  LineWriter& stream = descriptor == standard_output ? call.standard_output : call.standard_error;
  // A vector may be named many times: what one call writes is bounded like a write of the kernel,
  // and says so.
  constexpr std::uint32_t write_bytes_max = 1U << 20;
  std::uint32_t written = 0;
  for (std::uint32_t i = 0; i < count && written < write_bytes_max; ++i) {
    std::uint32_t at = 0;
    std::uint32_t length = 0;
    memory.read(std::uint64_t{vectors} + 8ULL * i, at);
    memory.read(std::uint64_t{vectors} + 8ULL * i + 4, length);
    if (!memory.holds(at, length)) return answer(v, fault);
    length = std::min(length, write_bytes_max - written);
    const auto bytes = memory.range(at, length);
    stream.write({reinterpret_cast<const char*>(bytes.data()), bytes.size()},
                 call.environment.limits.log_level,
                 call.host);
    written += length;
  }
  memory.write(written_to, written);
  return answer(v, success);
}

// Waiting.

struct Subscription {
  std::uint64_t user_data;
  std::uint8_t tag;  // 0 clock, 1 readable, 2 writable
  std::uint8_t unused1[7];
  std::uint32_t id;  // of the clock, or the descriptor
  std::uint8_t unused2[4];
  std::uint64_t timeout_ns;
  std::uint64_t precision_ns;
  std::uint16_t flags;  // 1: the timeout is a time, not a span
  std::uint8_t unused3[6];
};
static_assert(sizeof(Subscription) == 48);

struct Event {
  std::uint64_t user_data;
  std::uint16_t error;
  std::uint8_t tag;
  std::uint8_t unused1[5];
  std::uint64_t bytes;
  std::uint16_t flags;  // 1: the other end has hung up
  std::uint8_t unused2[6];
};
static_assert(sizeof(Event) == 32);

// The spans until each clock's event, and events that are there already.
struct Poll {
  std::vector<Event> ready;
  std::vector<std::pair<std::uint64_t, Event>> clocks;

  void add(const Subscription& subscription, std::int64_t now_ns) {
    Event event{.user_data = subscription.user_data, .tag = subscription.tag};
    if (subscription.tag == 0) {
      if (subscription.id > monotonic) {
        event.error = static_cast<std::uint16_t>(invalid);
        ready.push_back(event);
        return;
      }
      std::uint64_t span = subscription.timeout_ns;
      if ((subscription.flags & 1) != 0) {
        const auto now = static_cast<std::uint64_t>(std::max<std::int64_t>(now_ns, 0));
        span = span > now ? span - now : 0;
      }
      clocks.emplace_back(span, event);
      return;
    }
    const bool readable = subscription.tag == 1 && subscription.id == standard_input;
    const bool writable = subscription.tag == 2 &&
                          (subscription.id == standard_output || subscription.id == standard_error);
    const Files* files = running_call->files;
    if (subscription.tag <= 2 && files != nullptr && files->find(subscription.id) != nullptr) {
      // A plain file never waits.
    } else if (readable) {
      event.flags = 1;
    } else if (writable) {
      event.bytes = LineWriter::line_bytes_max;
    } else {
      event.error = static_cast<std::uint16_t>(subscription.tag > 2 ? invalid : bad_descriptor);
    }
    ready.push_back(event);
  }

  // How long the guest waits; then all that is due is in `ready`.
  std::uint64_t settle() {
    std::uint64_t wait_ns = 0;
    if (ready.empty()) {
      wait_ns = std::ranges::min(clocks, {}, [](const auto& clock) { return clock.first; }).first;
    }
    for (const auto& [span, event] : clocks) {
      if (span <= wait_ns) ready.push_back(event);
    }
    return wait_ns;
  }
};

Errno poll(Caller* caller, const wasmtime_val_t* arguments) {
  const auto argument = [&](std::size_t i) {
    return static_cast<std::uint32_t>(arguments[i].of.i32);
  };
  const GuestMemory memory(caller);
  const std::uint32_t subscriptions = argument(0);
  const std::uint32_t events = argument(1);
  const std::uint32_t count = argument(2);
  const std::uint32_t count_to = argument(3);
  // More than any runtime asks for; it bounds the work of one call.
  constexpr std::uint32_t subscriptions_max = 1024;
  if (count == 0 || count > subscriptions_max) return invalid;
  if (!memory.holds(subscriptions, std::uint64_t{count} * sizeof(Subscription)) ||
      !memory.holds(events, std::uint64_t{count} * sizeof(Event)) || !memory.holds(count_to, 4)) {
    return fault;
  }
  Call& call = *running_call;
  Poll poll;
  for (std::uint32_t i = 0; i < count; ++i) {
    Subscription subscription{};
    memory.read(std::uint64_t{subscriptions} + i * sizeof(Subscription), subscription);
    poll.add(subscription, call.source.now_ns());
  }
  const std::uint64_t wait_ns = poll.settle();
  // Written before the wait: the guest's memory cannot move while its fibre is suspended, and
  // nobody looks.
  for (std::size_t i = 0; i < poll.ready.size(); ++i) {
    memory.write(events + i * sizeof(Event), poll.ready[i]);
  }
  memory.write(count_to, static_cast<std::uint32_t>(poll.ready.size()));
  if (wait_ns != 0) call.wait_ns = wait_ns;
  return success;
}

// The fibre goes on once the one who polls it has waited (Instance::Impl::run) and cleared wait_ns.
void poll_oneoff(void*,
                 Caller* caller,
                 const wasmtime_val_t* arguments,
                 std::size_t,
                 wasmtime_val_t* results,
                 std::size_t,
                 wasm_trap_t**,
                 wasmtime_async_continuation_t* continuation) {
  results[0].kind = WASMTIME_I32;
  results[0].of.i32 = static_cast<std::int32_t>(poll(caller, arguments));
  *continuation = {
      [](void* call) { return !static_cast<Call*>(call)->wait_ns.has_value(); },
      running_call,
      nullptr,
  };
}

wasm_trap_t* sched_yield(void*, Caller*, Value* v, std::size_t) {
  return answer(v, success);
}

wasm_trap_t* proc_exit(void*, Caller*, Value* v, std::size_t) {
  running_call->exit_code = v[0].i32;
  return refuse("exit " + std::to_string(v[0].i32));
}

wasm_trap_t* no_such_thing(void*, Caller*, Value* v, std::size_t) {
  return answer(v, not_supported_at_all);
}

constexpr std::string_view wasi = "wasi_snapshot_preview1";
// For what works on the streams and, where the plugin has files, on those too.
template <wasmtime_func_unchecked_callback_t OnStreams, FileFunction OnFiles, std::size_t At = 0>
void either(void*,
            Caller* caller,
            const wasmtime_val_t* arguments,
            std::size_t count,
            wasmtime_val_t* results,
            std::size_t,
            wasm_trap_t**,
            wasmtime_async_continuation_t* continuation) {
  Call& call = *running_call;
  results[0].kind = WASMTIME_I32;
  *continuation = {
      [](void* c) { return !static_cast<Call*>(c)->file_work.has_value(); }, &call, nullptr};
  const auto descriptor = static_cast<std::uint32_t>(arguments[At].of.i32);
  if (call.files == nullptr || descriptor < Files::first) {
    std::array<Value, 9> values{};
    for (std::size_t i = 0; i < count; ++i) {
      if (arguments[i].kind == WASMTIME_I64) {
        values[i].i64 = arguments[i].of.i64;
      } else {
        values[i].i32 = arguments[i].of.i32;
      }
    }
    OnStreams(nullptr, caller, values.data(), count);  // answers, and never ends the guest
    results[0].of.i32 = values[0].i32;
    return;
  }
  const std::optional<Errno> answer = OnFiles({call, *call.files, GuestMemory(caller), arguments});
  if (answer) {
    results[0].of.i32 = static_cast<std::int32_t>(*answer);
  } else {
    call.file_work->result = &results[0];
  }
}

constexpr auto no_directory = not_on_streams<not_a_directory>;
constexpr auto no_socket = not_on_streams<not_a_socket>;
constexpr auto no_file = not_on_streams<not_supported>;

constexpr std::array functions{
    HostFunction{wasi, "args_get", "ii", "i", list_of_nothing},
    HostFunction{wasi, "args_sizes_get", "ii", "i", sizes_of_nothing},
    HostFunction{wasi, "environ_get", "ii", "i", list_of_nothing},
    HostFunction{wasi, "environ_sizes_get", "ii", "i", sizes_of_nothing},
    HostFunction{wasi, "clock_res_get", "ii", "i", clock_res_get},
    HostFunction{wasi, "clock_time_get", "iIi", "i", clock_time_get},
    HostFunction{wasi,
                 "fd_advise",
                 "iIIi",
                 "i",
                 nullptr,
                 either<not_on_streams<illegal_seek>, wasi_files::fd_advise>},
    HostFunction{
        wasi, "fd_allocate", "iII", "i", nullptr, either<no_file, wasi_files::fd_allocate>},
    HostFunction{
        wasi, "fd_close", "i", "i", nullptr, either<not_on_streams<success>, wasi_files::fd_close>},
    HostFunction{wasi,
                 "fd_datasync",
                 "i",
                 "i",
                 nullptr,
                 either<not_on_streams<invalid>, wasi_files::fd_datasync>},
    HostFunction{wasi,
                 "fd_fdstat_get",
                 "ii",
                 "i",
                 nullptr,
                 either<fd_fdstat_get, wasi_files::fd_fdstat_get>},
    HostFunction{wasi,
                 "fd_fdstat_set_flags",
                 "ii",
                 "i",
                 nullptr,
                 either<no_file, wasi_files::fd_fdstat_set_flags>},
    HostFunction{wasi, "fd_fdstat_set_rights", "iII", "i", no_file},
    HostFunction{wasi,
                 "fd_filestat_get",
                 "ii",
                 "i",
                 nullptr,
                 either<fd_filestat_get, wasi_files::fd_filestat_get>},
    HostFunction{wasi,
                 "fd_filestat_set_size",
                 "iI",
                 "i",
                 nullptr,
                 either<no_file, wasi_files::fd_filestat_set_size>},
    HostFunction{wasi,
                 "fd_filestat_set_times",
                 "iIIi",
                 "i",
                 nullptr,
                 either<no_file, wasi_files::fd_filestat_set_times>},
    HostFunction{wasi,
                 "fd_pread",
                 "iiiIi",
                 "i",
                 nullptr,
                 either<not_on_streams<illegal_seek>, wasi_files::fd_pread>},
    HostFunction{wasi,
                 "fd_prestat_get",
                 "ii",
                 "i",
                 nullptr,
                 either<no_descriptor, wasi_files::fd_prestat_get>},
    HostFunction{wasi,
                 "fd_prestat_dir_name",
                 "iii",
                 "i",
                 nullptr,
                 either<no_descriptor, wasi_files::fd_prestat_dir_name>},
    HostFunction{wasi,
                 "fd_pwrite",
                 "iiiIi",
                 "i",
                 nullptr,
                 either<not_on_streams<illegal_seek>, wasi_files::fd_pwrite>},
    HostFunction{wasi, "fd_read", "iiii", "i", nullptr, either<fd_read, wasi_files::fd_read>},
    HostFunction{
        wasi, "fd_readdir", "iiiIi", "i", nullptr, either<no_directory, wasi_files::fd_readdir>},
    HostFunction{wasi, "fd_renumber", "ii", "i", nullptr, either<no_file, wasi_files::fd_renumber>},
    HostFunction{wasi,
                 "fd_seek",
                 "iIii",
                 "i",
                 nullptr,
                 either<not_on_streams<illegal_seek>, wasi_files::fd_seek>},
    HostFunction{
        wasi, "fd_sync", "i", "i", nullptr, either<not_on_streams<invalid>, wasi_files::fd_sync>},
    HostFunction{wasi,
                 "fd_tell",
                 "ii",
                 "i",
                 nullptr,
                 either<not_on_streams<illegal_seek>, wasi_files::fd_tell>},
    HostFunction{wasi, "fd_write", "iiii", "i", nullptr, either<fd_write, wasi_files::fd_write>},
    HostFunction{wasi,
                 "path_create_directory",
                 "iii",
                 "i",
                 nullptr,
                 either<no_directory, wasi_files::path_create_directory>},
    HostFunction{wasi,
                 "path_filestat_get",
                 "iiiii",
                 "i",
                 nullptr,
                 either<no_directory, wasi_files::path_filestat_get>},
    HostFunction{wasi,
                 "path_filestat_set_times",
                 "iiiiIIi",
                 "i",
                 nullptr,
                 either<no_directory, wasi_files::path_filestat_set_times>},
    HostFunction{
        wasi, "path_link", "iiiiiii", "i", nullptr, either<no_directory, wasi_files::path_link>},
    HostFunction{
        wasi, "path_open", "iiiiiIIii", "i", nullptr, either<no_directory, wasi_files::path_open>},
    HostFunction{wasi,
                 "path_readlink",
                 "iiiiii",
                 "i",
                 nullptr,
                 either<no_directory, wasi_files::path_readlink>},
    HostFunction{wasi,
                 "path_remove_directory",
                 "iii",
                 "i",
                 nullptr,
                 either<no_directory, wasi_files::path_remove_directory>},
    HostFunction{
        wasi, "path_rename", "iiiiii", "i", nullptr, either<no_directory, wasi_files::path_rename>},
    // Its first argument is a path.
    HostFunction{wasi,
                 "path_symlink",
                 "iiiii",
                 "i",
                 nullptr,
                 either<no_descriptor, wasi_files::path_symlink, 2>},
    HostFunction{wasi,
                 "path_unlink_file",
                 "iii",
                 "i",
                 nullptr,
                 either<no_directory, wasi_files::path_unlink_file>},
    HostFunction{wasi, "poll_oneoff", "iiii", "i", nullptr, poll_oneoff},
    HostFunction{wasi, "proc_exit", "i", "", proc_exit},
    HostFunction{wasi, "proc_raise", "i", "i", no_such_thing},
    HostFunction{wasi, "random_get", "ii", "i", random_get},
    HostFunction{wasi, "sched_yield", "", "i", sched_yield},
    HostFunction{wasi, "sock_accept", "iii", "i", no_socket},
    HostFunction{wasi, "sock_recv", "iiiiii", "i", no_socket},
    HostFunction{wasi, "sock_send", "iiiii", "i", no_socket},
    HostFunction{wasi, "sock_shutdown", "ii", "i", no_socket},
};

}  // namespace

std::span<const HostFunction> wasi_functions() {
  return functions;
}

}  // namespace troupe::guest
