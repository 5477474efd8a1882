#include "journal/record.h"

#include <boost/endian/conversion.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cstring>
#include <optional>
#include <sodium.h>
#include <zstd.h>

namespace troupe::journal {

namespace {

// Which parts an entry has; see docs/formats/journal.md.
enum Flag : std::uint64_t {
  committed = 1,
  with_checkpoint = 2,
  with_input_id = 4,
  with_function = 8,
  with_input = 16,
  with_seed = 32,
  with_code = 64,
  with_answers = 128,
  with_reason = 256,
  with_outcome = 512,
  with_sent = 1024,
  with_timers_set = 2048,
  with_timers_cancelled = 4096,
  with_topics_joined = 8192,
  with_topics_left = 16384,
  with_source = 32768,
  with_start_up = 65536,
};

constexpr int zstd_level = 1;
// What is smaller is not worth compressing.
constexpr std::size_t zstd_bytes_min = 512;
constexpr char form_plain = 0;
constexpr char form_zstd = 1;
constexpr char answer_text = 0;
constexpr char answer_http = 1;
constexpr char code_text = 0;
constexpr char code_hex = 1;

void put_varint(std::string& out, std::uint64_t value) {
  std::array<char, 10> bytes;
  std::size_t size = 0;
  for (; value >= 0x80; value >>= 7) bytes[size++] = static_cast<char>(value | 0x80);
  bytes[size++] = static_cast<char>(value);
  out.append(bytes.data(), size);
}

void put_fixed8(std::string& out, std::uint64_t value) {
  std::array<char, 8> bytes;
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(value >> 8 * i);
  out.append(bytes.data(), bytes.size());
}

void put_time(std::string& out, std::int64_t ns) {
  put_fixed8(out, static_cast<std::uint64_t>(ns));
}

void put_bytes(std::string& out, std::string_view bytes) {
  put_varint(out, bytes.size());
  out += bytes;
}

template <std::size_t N>
void put_array(std::string& out, const std::array<std::uint8_t, N>& bytes) {
  out.append(reinterpret_cast<const char*>(bytes.data()), N);
}

std::uint64_t hash(std::string_view bytes, std::uint64_t key_number = 0) {
  std::array<unsigned char, crypto_shorthash_KEYBYTES> key{};
  for (std::size_t i = 0; i < 8; ++i) key[i] = static_cast<unsigned char>(key_number >> 8 * i);
  std::array<unsigned char, crypto_shorthash_BYTES> sum;
  crypto_shorthash(
      sum.data(), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), key.data());
  std::uint64_t value = 0;
  for (std::size_t i = sum.size(); i-- > 0;) value = value << 8 | sum[i];
  return value;
}

// The bytes of eight lower-case hexadecimal digits, all of them at once, each in a byte of `digits`
// (the first in the lowest); nothing when they are not that.
std::optional<std::uint32_t> unhex(std::uint64_t digits) {
  constexpr std::uint64_t each = 0x0101010101010101;
  const std::uint64_t letters = digits >> 6 & each;  // 'a' is 0x61, '0' is 0x30
  const std::uint64_t nibbles = (digits & 0x0f * each) + 9 * letters;
  const std::uint64_t above_9 = (nibbles + 6 * each) >> 4 & each;
  const bool is_hex =
      (nibbles & 0xf0 * each) == 0 && nibbles + '0' * each + ('a' - '9' - 1) * above_9 == digits;
  if (!is_hex) return std::nullopt;
  std::uint64_t packed = (nibbles << 4 | nibbles >> 8) & 0x00ff00ff00ff00ff;
  packed = (packed | packed >> 8) & 0x0000ffff0000ffff;
  return static_cast<std::uint32_t>(packed | packed >> 16);
}

// Appends nothing when it is not lower-case hexadecimal.
bool put_hex(std::string& out, std::string_view text) {
  if (text.size() % 2 != 0) return false;
  const std::size_t before = out.size();
  out.resize(before + text.size() / 2);
  char* to = out.data() + before;
  for (std::size_t left = text.size(); left > 0;) {
    const std::size_t size = std::min<std::size_t>(left, 8);
    std::uint64_t digits = '0' * 0x0101010101010101;
    std::memcpy(&digits, text.data() + text.size() - left, size);
    const auto bytes = unhex(boost::endian::little_to_native(digits));
    if (!bytes) {
      out.resize(before);
      return false;
    }
    const std::uint32_t packed = boost::endian::native_to_little(*bytes);
    std::memcpy(to, &packed, size / 2);
    to += size / 2;
    left -= size;
  }
  return true;
}

void put_code(std::string& out, std::string_view code) {
  if (code.empty()) {
    put_varint(out, 0);
    return;
  }
  const std::size_t before = out.size();
  put_varint(out, 1 + code.size() / 2);
  out += code_hex;
  if (put_hex(out, code)) return;
  out.resize(before);
  put_varint(out, 1 + code.size());
  out += code_text;
  out += code;
}

void put_timer(std::string& out, const Timer& timer) {
  put_bytes(out, timer.name);
  put_bytes(out, timer.event);
  put_bytes(out, timer.payload);
  put_time(out, timer.due_ns);
  put_varint(out, timer.generation);
}

void put_list(std::string& out, const std::vector<std::string>& list) {
  put_varint(out, list.size());
  for (const std::string& one : list) put_bytes(out, one);
}

void put_list(std::string& out, const std::vector<Timer>& list) {
  put_varint(out, list.size());
  for (const Timer& one : list) put_timer(out, one);
}

void put_answer(std::string& out, const Answer& answer) {
  if (const auto* text = std::get_if<std::string>(&answer)) {
    out += answer_text;
    put_bytes(out, *text);
    return;
  }
  const HttpAnswer& http = std::get<HttpAnswer>(answer);
  assert(http.status >= 0 && http.took_ns >= 0);
  out += answer_http;
  put_varint(out, static_cast<std::uint64_t>(http.status));
  put_bytes(out, http.headers);
  put_bytes(out, http.body);
  put_bytes(out, http.error);
  put_varint(out, static_cast<std::uint64_t>(http.took_ns));
}

void put_list(std::string& out, const std::vector<Answer>& list) {
  put_varint(out, list.size());
  for (const Answer& one : list) put_answer(out, one);
}

template <class Part>
bool is_there(const Part& part) {
  return part != Part{};
}
template <std::size_t N>
bool is_there(const std::array<std::uint8_t, N>& bytes) {
  const auto words = std::bit_cast<std::array<std::uint64_t, N / 8>>(bytes);
  std::uint64_t any = 0;
  for (const std::uint64_t word : words) any |= word;
  return any != 0;
}

std::uint64_t flags_of(const Record& record, const Changes& changes, bool has_checkpoint) {
  std::uint64_t flags = 0;
  const auto flag = [&](bool is, Flag which) {
    if (is) flags |= which;
  };
  flag(record.committed, committed);
  flag(has_checkpoint, with_checkpoint);
  flag(is_there(record.input_id), with_input_id);
  flag(is_there(record.function), with_function);
  flag(is_there(record.input), with_input);
  flag(is_there(record.seed), with_seed);
  flag(is_there(record.code), with_code);
  flag(is_there(record.answers), with_answers);
  flag(is_there(record.reason), with_reason);
  flag(is_there(record.outcome), with_outcome);
  flag(is_there(changes.sent), with_sent);
  flag(is_there(changes.timers_set), with_timers_set);
  flag(is_there(changes.timers_cancelled), with_timers_cancelled);
  flag(is_there(changes.topics_joined), with_topics_joined);
  flag(is_there(changes.topics_left), with_topics_left);
  flag(is_there(record.source), with_source);
  flag(is_there(record.start_up), with_start_up);
  return flags;
}

}  // namespace

std::string_view name_of(Kind kind) {
  constexpr std::array<std::string_view, 9> names = {
      "", "turn", "init", "upgrade", "restart", "config", "rewind", "fork", "delete"};
  return names[static_cast<std::size_t>(kind)];
}

std::string_view name_of(TurnResult result) {
  constexpr std::array<std::string_view, 3> names = {"done", "error", "failed"};
  return names[static_cast<std::size_t>(result)];
}

std::string_view name_of(Outgoing::Kind kind) {
  constexpr std::array<std::string_view, 4> names = {"", "event", "call", "notice"};
  return names[static_cast<std::size_t>(kind)];
}

InputId sender_id(std::string_view sender, std::uint64_t incarnation, std::uint64_t number) {
  InputId id;
  crypto_generichash_state state;
  crypto_generichash_init(&state, nullptr, 0, id.size());
  const auto add = [&](const void* bytes, std::size_t size) {
    crypto_generichash_update(&state, static_cast<const unsigned char*>(bytes), size);
  };
  add(&incarnation, sizeof incarnation);
  add(&number, sizeof number);
  add(sender.data(), sender.size());
  crypto_generichash_final(&state, id.data(), id.size());
  return id;
}

std::size_t bytes_of(const Answer& answer) {
  if (const auto* text = std::get_if<std::string>(&answer)) return text->size();
  const HttpAnswer& http = std::get<HttpAnswer>(answer);
  return sizeof http + http.headers.size() + http.body.size() + http.error.size();
}

std::uint8_t partition_of(std::string_view address) {
  return static_cast<std::uint8_t>(hash(address));
}

void append_content(std::string& out,
                    const SubjectView& subject,
                    const Record& record,
                    const Changes& changes,
                    bool has_checkpoint) {
  assert(!subject.address.empty() && subject.address.size() <= address_bytes_max);
  assert(subject.number != 0);
  const std::int64_t last_time_ns = record.last_time_ns == 0 ? record.time_ns : record.last_time_ns;
  assert(last_time_ns >= record.time_ns && "a turn does not end before it begins");

  const std::uint64_t flags = flags_of(record, changes, has_checkpoint);
  out += static_cast<char>(record.kind);
  put_varint(out, flags);
  put_bytes(out, subject.address);
  put_varint(out, subject.number);
  put_fixed8(out, subject.incarnation);
  put_varint(out, record.turn);
  put_time(out, record.time_ns);
  put_varint(out, static_cast<std::uint64_t>(last_time_ns - record.time_ns));
  out += static_cast<char>(record.result);
  if (flags & with_input_id) put_array(out, record.input_id);
  if (flags & with_function) put_bytes(out, record.function);
  if (flags & with_input) put_bytes(out, record.input);
  if (flags & with_seed) put_array(out, record.seed);
  if (flags & with_code) put_code(out, record.code);
  if (flags & with_answers) put_list(out, record.answers);
  if (flags & with_reason) put_bytes(out, record.reason);
  if (flags & with_outcome) put_array(out, record.outcome);
  if (flags & with_sent) put_varint(out, changes.sent);
  if (flags & with_timers_set) put_list(out, changes.timers_set);
  if (flags & with_timers_cancelled) put_list(out, changes.timers_cancelled);
  if (flags & with_topics_joined) put_list(out, changes.topics_joined);
  if (flags & with_topics_left) put_list(out, changes.topics_left);
  if (flags & with_source) {
    put_bytes(out, record.source.address);
    put_fixed8(out, record.source.incarnation);
    put_varint(out, record.source.turn);
  }
  if (flags & with_start_up) {
    put_time(out, record.start_up.time_ns);
    put_array(out, record.start_up.seed);
  }
}

void append_entry(std::string& out,
                  std::string_view content,
                  std::uint64_t batch,
                  std::uint64_t previous_batch,
                  std::uint64_t sequence) {
  assert(sequence != 0);
  put_varint(out, content.size());
  const std::size_t begin = out.size();
  put_varint(out, previous_batch);
  put_varint(out, sequence);
  out += content;
  put_fixed8(out, hash(std::string_view(out).substr(begin), batch));
}

std::string encode(const Checkpoint& checkpoint) {
  std::string content;
  content.reserve(256 + checkpoint.state.size() +
                  (checkpoint.memory ? checkpoint.memory->size() : 0));
  put_bytes(content, checkpoint.subject.address);
  put_varint(content, checkpoint.subject.number);
  put_fixed8(content, checkpoint.subject.incarnation);
  put_varint(content, checkpoint.turn);
  put_time(content, checkpoint.last_time_ns);
  put_varint(content, checkpoint.sent);
  put_varint(content, checkpoint.timer_generation);
  put_code(content, checkpoint.code);
  put_bytes(content, checkpoint.state);
  put_varint(content, checkpoint.vars.size());
  for (const auto& [name, value] : checkpoint.vars) {
    put_bytes(content, name);
    put_bytes(content, value);
  }
  put_list(content, checkpoint.timers);
  put_list(content, checkpoint.topics);
  content += static_cast<char>(checkpoint.memory.has_value());
  if (checkpoint.memory) put_bytes(content, *checkpoint.memory);

  std::string packed;
  if (content.size() >= zstd_bytes_min) {
    packed.resize(ZSTD_compressBound(content.size()));
    const std::size_t size =
        ZSTD_compress(packed.data(), packed.size(), content.data(), content.size(), zstd_level);
    packed.resize(ZSTD_isError(size) ? 0 : size);
  }
  const bool is_packed = !packed.empty() && packed.size() < content.size();
  std::string body;
  body += static_cast<char>(format_version);
  body += is_packed ? form_zstd : form_plain;
  put_varint(body, content.size());
  body += is_packed ? packed : content;
  put_fixed8(body, hash(body));
  return body;
}

std::string encode(const Outgoing& message) {
  std::string body;
  body += static_cast<char>(format_version);
  body += static_cast<char>(message.kind);
  put_bytes(body, message.sender);
  put_fixed8(body, message.incarnation);
  put_varint(body, message.number);
  put_bytes(body, message.to);
  put_bytes(body, message.name);
  put_bytes(body, message.payload);
  put_fixed8(body, hash(body));
  return body;
}

std::string encode(const Alarm& alarm) {
  std::string body;
  body += static_cast<char>(format_version);
  put_bytes(body, alarm.address);
  put_fixed8(body, alarm.incarnation);
  put_timer(body, alarm.timer);
  put_fixed8(body, hash(body));
  return body;
}

std::uint64_t file_sum(std::string_view path, std::string_view body) {
  std::string all;
  put_bytes(all, path);
  put_bytes(all, body);
  return hash(all);
}

}  // namespace troupe::journal
