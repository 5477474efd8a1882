#include "journal/decode.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <sodium.h>
#include <string>
#include <utility>
#include <zstd.h>

namespace troupe::journal {

namespace {

constexpr std::size_t sum_bytes = 8;

// Reads from the front, and remembers the first thing that was wrong; from then on all is empty.
class Input {
 public:
  explicit Input(std::string_view text) : text_(text) {}

  bool good() const { return wrong_.empty(); }
  bool at_end() const { return at_ == text_.size(); }
  std::size_t at() const { return at_; }
  std::size_t left() const { return text_.size() - at_; }
  Error error() const { return Error{wrong_}; }

  void fail(std::string_view what) {
    if (good()) wrong_ = fmt::format("{} at byte {}", what, at_);
    at_ = text_.size();
  }

  std::string_view take(std::size_t count, std::string_view what) {
    if (count > left()) {
      fail(fmt::format("{} is cut off", what));
      return {};
    }
    const std::string_view taken = text_.substr(at_, count);
    at_ += count;
    return taken;
  }

  std::uint8_t u8(std::string_view what) {
    const std::string_view one = take(1, what);
    return one.empty() ? 0 : static_cast<std::uint8_t>(one[0]);
  }

  std::uint64_t fixed8(std::string_view what) {
    std::uint64_t value = 0;
    int shift = 0;
    for (const char c : take(8, what)) {
      value |= std::uint64_t{static_cast<std::uint8_t>(c)} << shift;
      shift += 8;
    }
    return value;
  }

  std::int64_t time(std::string_view what) { return static_cast<std::int64_t>(fixed8(what)); }

  std::uint64_t varint(std::string_view what) {
    std::uint64_t value = 0;
    for (int shift = 0; good(); shift += 7) {
      const std::uint8_t byte = u8(what);
      if (shift == 63 && byte > 1) fail(fmt::format("{} does not fit into 64 bits", what));
      value |= std::uint64_t{byte} << shift & ~(std::uint64_t{0x80} << shift);
      if ((byte & 0x80) != 0) continue;
      if (byte == 0 && shift != 0) fail(fmt::format("{} is longer than it need be", what));
      break;
    }
    return good() ? value : 0;
  }

  std::string_view bytes(std::string_view what) { return take(varint(what), what); }

  // How many follow. Each takes a byte at least, which bounds what is set aside for them.
  std::size_t count(std::string_view what) {
    const std::uint64_t number = varint(what);
    if (number > left()) fail(fmt::format("{} cannot be {}", what, number));
    return good() ? number : 0;
  }

  template <std::size_t N>
  void array(std::array<std::uint8_t, N>& out, std::string_view what) {
    const std::string_view taken = take(N, what);
    std::ranges::copy(taken, reinterpret_cast<char*>(out.data()));
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
  std::string wrong_;
};

std::uint64_t siphash(std::string_view text, std::uint64_t key_number) {
  std::array<unsigned char, 16> key{};
  for (std::size_t i = 0; i < 8; ++i) key[i] = static_cast<unsigned char>(key_number >> (8 * i));
  std::array<unsigned char, 8> out{};
  crypto_shorthash(
      out.data(), reinterpret_cast<const unsigned char*>(text.data()), text.size(), key.data());
  Input input({reinterpret_cast<const char*>(out.data()), out.size()});
  return input.fixed8("a hash");
}

// The text before the hash at the end, which must be its hash.
Result<std::string_view> without_sum(std::string_view body, std::string_view what) {
  if (body.size() < sum_bytes) return Error{fmt::format("{} is cut off", what)};
  const std::string_view text = body.substr(0, body.size() - sum_bytes);
  Input sum(body.substr(text.size()));
  if (siphash(text, 0) != sum.fixed8("the checksum")) {
    return Error{fmt::format("the checksum of {} is wrong", what)};
  }
  return text;
}

void read_version(Input& input) {
  const unsigned version = input.u8("the version");
  if (input.good() && version != 1) {
    input.fail(fmt::format("the version is {}, and this program knows 1", version));
  }
}

std::string read_code(Input& input) {
  std::string_view text = input.bytes("the code");
  if (text.empty()) return {};
  const char form = text[0];
  text.remove_prefix(1);
  if (text.empty()) input.fail("the code is empty");
  std::string code;
  if (form == 1) {
    for (const char c : text) code += fmt::format("{:02x}", static_cast<std::uint8_t>(c));
  } else if (form == 0) {
    code = text;
    const bool hex = code.size() % 2 == 0 && std::ranges::all_of(code, [](char c) {
                       return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
                     });
    if (hex) input.fail("the code is not in its shortest form");
  } else {
    input.fail("the form of the code is unknown");
  }
  return code;
}

Timer read_timer(Input& input) {
  Timer timer;
  timer.name = input.bytes("a timer's name");
  timer.event = input.bytes("a timer's event");
  timer.payload = input.bytes("a timer's payload");
  timer.due_ns = input.time("a timer's due time");
  timer.generation = input.varint("a timer's generation");
  return timer;
}

std::vector<std::string> read_list(Input& input, std::string_view what) {
  std::vector<std::string> list;
  for (std::size_t left = input.count(what); left > 0 && input.good(); --left) {
    list.emplace_back(input.bytes(what));
  }
  return list;
}

Answer read_answer(Input& input) {
  const unsigned form = input.u8("the form of an answer");
  if (input.good() && form > 1) input.fail("the form of an answer is unknown");
  if (form == 0) return std::string(input.bytes("an answer"));
  HttpAnswer http;
  const std::uint64_t status = input.varint("the status of an answer");
  if (status > static_cast<std::uint64_t>(INT32_MAX))
    input.fail("the status of an answer is too large");
  http.status = static_cast<int>(status);
  http.headers = input.bytes("the headers of an answer");
  http.body = input.bytes("the body of an answer");
  http.error = input.bytes("the error of an answer");
  const std::uint64_t took = input.varint("what an answer took");
  if (took > static_cast<std::uint64_t>(INT64_MAX)) input.fail("what an answer took is too long");
  http.took_ns = static_cast<std::int64_t>(took);
  return http;
}

std::vector<Answer> read_answers(Input& input) {
  std::vector<Answer> list;
  for (std::size_t left = input.count("the answers"); left > 0 && input.good(); --left) {
    list.push_back(read_answer(input));
  }
  return list;
}

std::vector<Timer> read_timers(Input& input) {
  std::vector<Timer> list;
  for (std::size_t left = input.count("the timers"); left > 0 && input.good(); --left) {
    list.push_back(read_timer(input));
  }
  return list;
}

// What was decoded, when it was sound and nothing follows it.
template <class Value>
Result<Value> whole(Input& input, Value value) {
  if (input.good() && !input.at_end()) input.fail("there are bytes left over");
  if (!input.good()) return input.error();
  return value;
}

template <class List>
void require_some(Input& input, const List& list, std::string_view what) {
  if (list.empty()) input.fail(fmt::format("{} are flagged and there are none", what));
}

template <class Array>
void require_not_zero(Input& input, const Array& array, std::string_view what) {
  if (array == Array{}) input.fail(fmt::format("{} is flagged and all zero", what));
}

// Which parts a kind may have beside code, reason and changes.
constexpr std::uint64_t parts_of_all = 1 | 2 | 64 | 256 | 1024 | 2048 | 4096 | 8192 | 16384;
std::uint64_t parts_of(Kind kind) {
  switch (kind) {
    case Kind::turn:
    case Kind::init:
      return 32767 | 65536;
    case Kind::upgrade:
    case Kind::config:
      return parts_of_all | 16;
    case Kind::rewind:
    case Kind::fork:
      return parts_of_all | 32768;
    default:
      return parts_of_all;
  }
}

struct Front {
  Glance glance;
  std::uint64_t flags = 0;
};

Front read_front(Input& input) {
  Front front;
  const unsigned kind = input.u8("the kind");
  if (input.good() && (kind < 1 || kind > 8))
    input.fail(fmt::format("the kind {} is unknown", kind));
  front.glance.kind = static_cast<Kind>(kind);
  front.flags = input.varint("the flags");
  if (input.good() && (front.flags & ~parts_of(front.glance.kind)) != 0) {
    input.fail(
        fmt::format("the flags {} are not those of a {}", front.flags, name_of(front.glance.kind)));
  }
  front.glance.address = input.bytes("the address");
  if (front.glance.address.empty() || front.glance.address.size() > 576) {
    input.fail("the address is empty or too long");
  }
  front.glance.number = input.varint("the number");
  if (front.glance.number == 0) input.fail("the number is 0");
  front.glance.incarnation = input.fixed8("the incarnation");
  front.glance.turn = input.varint("the turn");
  front.glance.time_ns = input.time("the time");
  return front;
}

}  // namespace

Result<bool> BatchReader::next(Framed& framed, Sums sums) {
  const auto wrong = [this](std::string_view what) {
    Error error{fmt::format("batch {}, the entry at byte {}: {}", id_, at_, what)};
    at_ = batch_.size();
    return error;
  };
  if (at_ == 0) {
    if (batch_.empty()) return wrong("the batch is empty");
    if (batch_[0] != 1) {
      return wrong(fmt::format("the version is {}, and this program knows 1",
                               static_cast<std::uint8_t>(batch_[0])));
    }
    at_ = 1;
    if (batch_.size() == 1) return wrong("the batch has no entry");
  }
  if (at_ == batch_.size()) return false;

  Input input(batch_.substr(at_));
  const std::uint64_t size = input.varint("the size");
  if (size > (std::uint64_t{16} << 20)) return wrong("the size is too large");
  framed.summed_offset = input.at();
  framed.previous_batch = input.varint("the batch before");
  framed.sequence = input.varint("the sequence");
  if (framed.sequence == 0) input.fail("the sequence is 0");
  framed.content = input.take(size, "the content");
  input.take(sum_bytes, "the checksum");
  if (!input.good()) return wrong(input.error().message);
  framed.offset = at_;
  framed.bytes = batch_.substr(at_, input.at());
  at_ += input.at();
  if (sums == Sums::checked) TRY_VOID(check(framed));
  return true;
}

Result<> BatchReader::check(const Framed& framed) const {
  const std::string_view bytes = framed.bytes;
  const std::size_t end = bytes.size() - sum_bytes;
  Input sum(bytes.substr(end));
  const std::string_view summed = bytes.substr(framed.summed_offset, end - framed.summed_offset);
  if (siphash(summed, id_) == sum.fixed8("the checksum")) return {};
  return Error{
      fmt::format("batch {}, the entry at byte {}: the checksum is wrong", id_, framed.offset)};
}

Result<Glance> glance(std::string_view content) {
  Input input(content);
  Front front = read_front(input);
  if (!input.good()) return input.error();
  return front.glance;
}

Result<Entry> decode_content(std::string_view content, std::uint64_t sequence) {
  Input input(content);
  const Front front = read_front(input);
  const std::uint64_t flags = front.flags;
  Entry entry;
  entry.subject = {.address = std::string(front.glance.address),
                   .incarnation = front.glance.incarnation,
                   .number = front.glance.number};
  entry.sequence = sequence;
  entry.has_checkpoint = (flags & 2) != 0;
  Record& record = entry.record;
  record.kind = front.glance.kind;
  record.turn = front.glance.turn;
  record.time_ns = front.glance.time_ns;
  record.committed = (flags & 1) != 0;
  const std::uint64_t lasted = input.varint("what the turn lasted");
  if (lasted > static_cast<std::uint64_t>(INT64_MAX) ||
      __builtin_add_overflow(
          record.time_ns, static_cast<std::int64_t>(lasted), &record.last_time_ns)) {
    input.fail("what the turn lasted is too long");
  }
  const unsigned result = input.u8("the result");
  if (result > 2) input.fail("the result is unknown");
  record.result = static_cast<TurnResult>(result);

  if (flags & 4) {
    input.array(record.input_id, "the input id");
    require_not_zero(input, record.input_id, "the input id");
  }
  if (flags & 8) {
    record.function = input.bytes("the function");
    require_some(input, record.function, "bytes of the function");
  }
  if (flags & 16) {
    record.input = input.bytes("the input");
    require_some(input, record.input, "bytes of the input");
  }
  if (flags & 32) {
    input.array(record.seed, "the seed");
    require_not_zero(input, record.seed, "the seed");
  }
  if (flags & 64) {
    record.code = read_code(input);
    require_some(input, record.code, "bytes of the code");
  }
  if (flags & 128) {
    record.answers = read_answers(input);
    require_some(input, record.answers, "answers");
  }
  if (flags & 256) {
    record.reason = input.bytes("the reason");
    require_some(input, record.reason, "bytes of the reason");
  }
  if (flags & 512) {
    input.array(record.outcome, "the outcome");
    require_not_zero(input, record.outcome, "the outcome");
  }
  Changes& changes = entry.changes;
  if (flags & 1024) {
    changes.sent = input.varint("the count of messages sent");
    if (changes.sent == 0) input.fail("the count of messages sent is flagged and 0");
  }
  std::set<std::string, std::less<>> names;
  const auto once = [&](const std::string& name) {
    if (!names.insert(name).second) input.fail(fmt::format("\"{}\" is there twice", name));
  };
  if (flags & 2048) {
    changes.timers_set = read_timers(input);
    require_some(input, changes.timers_set, "timers set");
    for (const Timer& timer : changes.timers_set) once(timer.name);
  }
  if (flags & 4096) {
    changes.timers_cancelled = read_list(input, "the timers cancelled");
    require_some(input, changes.timers_cancelled, "timers cancelled");
    for (const std::string& name : changes.timers_cancelled) once(name);
  }
  names.clear();
  if (flags & 8192) {
    changes.topics_joined = read_list(input, "the topics subscribed to");
    require_some(input, changes.topics_joined, "topics subscribed to");
    for (const std::string& name : changes.topics_joined) once(name);
  }
  if (flags & 16384) {
    changes.topics_left = read_list(input, "the topics left");
    require_some(input, changes.topics_left, "topics left");
    for (const std::string& name : changes.topics_left) once(name);
  }
  if (flags & 32768) {
    record.source.address = input.bytes("the source's address");
    record.source.incarnation = input.fixed8("the source's incarnation");
    record.source.turn = input.varint("the source's turn");
    require_not_zero(input, record.source, "the source");
  }
  if (flags & 65536) {
    record.start_up.time_ns = input.time("the time of the start-up");
    input.array(record.start_up.seed, "the seed of the start-up");
    require_not_zero(input, record.start_up, "the start-up");
  }
  return whole(input, std::move(entry));
}

namespace {

Result<std::string> unpack(std::string_view packed, std::uint64_t size) {
  if (ZSTD_getFrameContentSize(packed.data(), packed.size()) != size) {
    return Error{"the checkpoint has another size than it says"};
  }
  std::string plain(size, '\0');
  const std::size_t got = ZSTD_decompress(plain.data(), plain.size(), packed.data(), packed.size());
  if (ZSTD_isError(got)) {
    return Error{fmt::format("the checkpoint cannot be decompressed: {}", ZSTD_getErrorName(got))};
  }
  if (got != size) return Error{"the checkpoint has another size than it says"};
  return plain;
}

template <class List, class Name>
void require_order(Input& input, const List& list, Name name, std::string_view what) {
  for (std::size_t i = 1; i < list.size(); ++i) {
    if (!(name(list[i - 1]) < name(list[i]))) input.fail(fmt::format("{} do not ascend", what));
  }
}

}  // namespace

Result<Checkpoint> decode_checkpoint(std::string_view body) {
  TRY(const std::string_view text, without_sum(body, "the checkpoint"));
  Input outer(text);
  read_version(outer);
  const unsigned form = outer.u8("the form");
  const std::uint64_t size = outer.varint("the size");
  if (size > (std::uint64_t{256} << 20)) outer.fail("the size is too large");
  if (outer.good() && form > 1) outer.fail("the form is unknown");
  if (outer.good() && form == 0 && size != outer.left()) {
    outer.fail("the checkpoint has another size than it says");
  }
  if (!outer.good()) return outer.error();
  std::string unpacked;
  std::string_view content = text.substr(outer.at());
  if (form == 1) {
    TRY(unpacked, unpack(content, size));
    content = unpacked;
  }

  Input input(content);
  Checkpoint checkpoint;
  checkpoint.subject.address = input.bytes("the address");
  checkpoint.subject.number = input.varint("the number");
  checkpoint.subject.incarnation = input.fixed8("the incarnation");
  checkpoint.turn = input.varint("the turn");
  checkpoint.last_time_ns = input.time("the clock");
  checkpoint.sent = input.varint("the count of messages sent");
  checkpoint.timer_generation = input.varint("the last generation of a timer");
  checkpoint.code = read_code(input);
  checkpoint.state = input.bytes("the state");
  for (std::size_t left = input.count("the variables"); left > 0 && input.good(); --left) {
    const std::string_view name = input.bytes("a variable's name");
    checkpoint.vars.emplace_back(name, input.bytes("a variable's value"));
  }
  require_order(
      input,
      checkpoint.vars,
      [](const auto& var) -> const std::string& { return var.first; },
      "the variables");
  checkpoint.timers = read_timers(input);
  require_order(
      input,
      checkpoint.timers,
      [](const Timer& timer) -> const std::string& { return timer.name; },
      "the timers");
  checkpoint.topics = read_list(input, "the topics");
  require_order(
      input,
      checkpoint.topics,
      [](const std::string& topic) -> const std::string& { return topic; },
      "the topics");
  const unsigned has_memory = input.u8("whether there is memory");
  if (has_memory > 1) input.fail("whether there is memory is neither 0 nor 1");
  if (has_memory == 1) checkpoint.memory = input.bytes("the memory");
  return whole(input, std::move(checkpoint));
}

Result<Outgoing> decode_outgoing(std::string_view body) {
  TRY(const std::string_view text, without_sum(body, "the message"));
  Input input(text);
  read_version(input);
  Outgoing message;
  const unsigned kind = input.u8("the kind");
  if (input.good() && (kind < 1 || kind > 3)) input.fail("the kind is unknown");
  message.kind = static_cast<Outgoing::Kind>(kind);
  message.sender = input.bytes("the sender");
  message.incarnation = input.fixed8("the incarnation");
  message.number = input.varint("the number");
  message.to = input.bytes("the receiver");
  message.name = input.bytes("the name");
  message.payload = input.bytes("the payload");
  return whole(input, std::move(message));
}

Result<Alarm> decode_alarm(std::string_view body) {
  TRY(const std::string_view text, without_sum(body, "the timer"));
  Input input(text);
  read_version(input);
  Alarm alarm;
  alarm.address = input.bytes("the address");
  alarm.incarnation = input.fixed8("the incarnation");
  alarm.timer = read_timer(input);
  return whole(input, std::move(alarm));
}

}  // namespace troupe::journal
