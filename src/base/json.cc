#include "base/json.h"

#include <simdjson.h>

#include <array>
#include <bit>
#include <cassert>
#include <charconv>
#include <cstring>
#include <limits>
#include <system_error>
#include <utility>

namespace troupe::json {
namespace {

static_assert(std::endian::native == std::endian::little,
              "words of text are read lowest byte first");

constexpr std::uint32_t no_node = std::numeric_limits<std::uint32_t>::max();

constexpr std::uint64_t each_byte(unsigned char byte) {
  return 0x0101010101010101u * byte;
}

std::uint64_t load_word(const char* at) {
  std::uint64_t word;
  std::memcpy(&word, at, sizeof(word));
  return word;
}

// The top bit of the first byte of `word` that ends a run of plain string characters: a quote, a
// backslash or a control character. Bits above the lowest one set may be wrong.
std::uint64_t special_bytes(std::uint64_t word) {
  std::uint64_t quote = word ^ each_byte('"');
  std::uint64_t backslash = word ^ each_byte('\\');
  std::uint64_t found = ((quote - each_byte(1)) & ~quote) |
                        ((backslash - each_byte(1)) & ~backslash) |
                        ((word - each_byte(0x20)) & ~word);
  return found & each_byte(0x80);
}

bool is_special(unsigned char byte) {
  return byte < 0x20 || byte == '"' || byte == '\\';
}
bool is_digit(char c) {
  return static_cast<unsigned char>(c - '0') < 10;
}
bool is_space(char c) {
  return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

// -1 for what is no hexadecimal digit.
int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// The number of four hexadecimal digits, or -1.
int hex4(const char* at) {
  int value = 0;
  for (int i = 0; i < 4; ++i) {
    int digit = hex_value(at[i]);
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

bool is_high_surrogate(int unit) {
  return unit >= 0xD800 && unit < 0xDC00;
}
bool is_low_surrogate(int unit) {
  return unit >= 0xDC00 && unit < 0xE000;
}

// The character of an accepted escape, and how long the escape is.
struct Escape {
  std::array<char, 4> utf8;
  unsigned bytes;
  unsigned length;
};

Escape decode_escape(const char* backslash) {
  auto one = [](char c) { return Escape{{c}, 1, 2}; };
  switch (backslash[1]) {
    case 'b':
      return one('\b');
    case 'f':
      return one('\f');
    case 'n':
      return one('\n');
    case 'r':
      return one('\r');
    case 't':
      return one('\t');
    case 'u':
      break;
    default:
      return one(backslash[1]);
  }
  auto code = static_cast<unsigned>(hex4(backslash + 2));
  auto byte = [](unsigned lead, unsigned bits) { return static_cast<char>(lead | bits); };
  if (code < 0x80) return {{byte(0, code)}, 1, 6};
  if (code < 0x800) return {{byte(0xC0, code >> 6), byte(0x80, code & 0x3F)}, 2, 6};
  if (!is_high_surrogate(static_cast<int>(code))) {
    return {{byte(0xE0, code >> 12), byte(0x80, code >> 6 & 0x3F), byte(0x80, code & 0x3F)}, 3, 6};
  }
  auto low = static_cast<unsigned>(hex4(backslash + 8));
  code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
  return {{byte(0xF0, code >> 18),
           byte(0x80, code >> 12 & 0x3F),
           byte(0x80, code >> 6 & 0x3F),
           byte(0x80, code & 0x3F)},
          4,
          12};
}

// The length of the UTF-8 character that begins `text`, or 0 when none does.
std::size_t utf8_length(std::string_view text) {
  auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  unsigned lead = at(0);
  if (lead < 0x80) return 1;
  std::size_t length = lead >= 0xC2 && lead < 0xE0   ? 2
                       : lead >= 0xE0 && lead < 0xF0 ? 3
                       : lead >= 0xF0 && lead < 0xF5 ? 4
                                                     : 0;
  if (length == 0 || text.size() < length) return 0;
  // The second byte's range excludes long forms, surrogates and what lies above U+10FFFF.
  unsigned low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  unsigned high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (at(1) < low || at(1) > high) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if ((at(i) & 0xC0) != 0x80) return 0;
  }
  return length;
}

std::size_t first_invalid_utf8(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    std::size_t length = utf8_length(text.substr(at));
    if (length == 0) break;
    at += length;
  }
  return at;
}

// Whether a number of sound syntax is infinite as a double.
bool overflows(std::string_view number) {
  double value;
  auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
  if (error != std::errc::result_out_of_range) return false;
  // from_chars does not tell too large from too small: the power of ten of the leading digit does.
  long long power = -1;
  bool point = false;
  bool leading = false;
  std::size_t at = number[0] == '-' ? 1 : 0;
  for (; at < number.size() && (number[at] | 0x20) != 'e'; ++at) {
    if (number[at] == '.') {
      point = true;
    } else {
      leading = leading || number[at] != '0';
      if (leading && !point) ++power;
      if (!leading && point) --power;
    }
  }
  if (at == number.size()) return power > 0;
  bool negative = number[at + 1] == '-';
  std::string_view digits = number.substr(at + (negative || number[at + 1] == '+' ? 2 : 1));
  long long exponent = 0;
  // Beyond this the text's own digits, at most text_bytes_max, cannot turn the sign any more.
  constexpr long long exponent_max = 1'000'000'000'000;
  for (char digit : digits) {
    if (exponent < exponent_max) exponent = exponent * 10 + (digit - '0');
  }
  return power + (negative ? -exponent : exponent) > 0;
}

std::string shown(const char* at, const char* end) {
  if (at == end) return "the end of the text";
  auto byte = static_cast<unsigned char>(*at);
  if (byte > 0x20 && byte < 0x7F) return std::string("'") + *at + "'";
  constexpr std::string_view digits = "0123456789ABCDEF";
  return std::string("byte 0x") + digits[byte >> 4] + digits[byte & 15];
}

// A pass over the text with its own stack inside the nodes: while an array or object is open,
// `next` holds the node it stands in.
class Parser {
 public:
  Parser(Tape& tape, unsigned nesting_max)
      : text_(tape.text), nodes_(tape.nodes), nesting_max_(nesting_max) {}

  bool run();
  bool spaced() const { return spaced_; }
  std::string message() const;

 private:
  // Each reads what begins at `at` and returns what follows, or null after fail().
  const char* literal(const char* at, std::string_view word, Kind kind);
  const char* number(const char* at);
  const char* string(const char* at);
  const char* escape(const char* at);
  const char* name(const char* at);
  const char* digits(const char* at);

  const char* skip_space(const char* at) {
    if (at < end_ && static_cast<unsigned char>(*at) <= ' ') {
      const char* from = at;
      while (at < end_ && is_space(*at)) ++at;
      spaced_ = spaced_ || at != from;
    }
    return at;
  }

  std::uint32_t offset(const char* at) const {
    return static_cast<std::uint32_t>(at - text_.data());
  }

  void add(const char* from, const char* to, Kind kind, bool escaped = false) {
    nodes_.push_back(Node{.start = offset(from),
                          .end = offset(to),
                          .next = static_cast<std::uint32_t>(nodes_.size() + 1),
                          .children = 0,
                          .kind = kind,
                          .escaped = escaped});
  }

  const char* fail(const char* at, std::string_view expected) {
    failed_at_ = at;
    expected_ = expected;
    return nullptr;
  }
  const char* refuse(const char* at, std::string_view reason) {
    refused_ = true;
    return fail(at, reason);
  }

  std::string_view text_;
  std::vector<Node>& nodes_;
  unsigned nesting_max_;
  const char* end_ = text_.data() + text_.size();
  bool spaced_ = false;
  std::uint64_t seen_ = 0;  // all words of strings or'ed: has a top bit when one is not ASCII

  const char* failed_at_ = nullptr;
  std::string_view expected_;
  bool refused_ = false;  // expected_ is what is wrong, not what should stand there
};

bool Parser::run() {
  const char* at = text_.data();
  std::uint32_t open = no_node;
  unsigned nesting = 0;

  for (;;) {
    // A value begins here.
    at = skip_space(at);
    if (at == end_) return fail(at, "a value") != nullptr;
    const char* after = nullptr;
    switch (*at) {
      case '{':
      case '[': {
        if (nesting == nesting_max_) {
          return refuse(at, "arrays and objects are nested too deeply") != nullptr;
        }
        bool object = *at == '{';
        auto node = static_cast<std::uint32_t>(nodes_.size());
        add(at, at, object ? Kind::object : Kind::array);
        after = skip_space(at + 1);
        if (after < end_ && *after == (object ? '}' : ']')) {
          ++after;
          nodes_[node].end = offset(after);
          break;
        }
        nodes_[node].next = open;
        nodes_[node].children = 1;
        open = node;
        ++nesting;
        if (object) after = name(after);
        if (after == nullptr) return false;
        at = after;
        continue;
      }
      case '"':
        after = string(at);
        break;
      case 't':
        after = literal(at, "true", Kind::boolean);
        break;
      case 'f':
        after = literal(at, "false", Kind::boolean);
        break;
      case 'n':
        after = literal(at, "null", Kind::null);
        break;
      default:
        after = number(at);
    }
    if (after == nullptr) return false;

    // A value has ended; with it may end what it stands in.
    for (;;) {
      at = skip_space(after);
      if (open == no_node) {
        if (at != end_) return fail(at, "nothing behind the value") != nullptr;
        if ((seen_ & each_byte(0x80)) != 0 && !simdjson::validate_utf8(text_)) {
          return refuse(text_.data() + first_invalid_utf8(text_), "the text is not UTF-8") !=
                 nullptr;
        }
        return true;
      }
      Node& container = nodes_[open];
      bool object = container.kind == Kind::object;
      if (at < end_ && *at == ',') {
        ++container.children;
        ++at;
        if (object) at = name(skip_space(at));
        if (at == nullptr) return false;
        break;
      }
      if (at == end_ || *at != (object ? '}' : ']')) {
        return fail(at, object ? "',' or '}' behind a member" : "',' or ']' behind an element") !=
               nullptr;
      }
      after = at + 1;
      container.end = offset(after);
      open = std::exchange(container.next, static_cast<std::uint32_t>(nodes_.size()));
      --nesting;
    }
  }
}

const char* Parser::literal(const char* at, std::string_view word, Kind kind) {
  if (static_cast<std::size_t>(end_ - at) < word.size() ||
      std::memcmp(at, word.data(), word.size()) != 0) {
    return fail(at, "a value");
  }
  add(at, at + word.size(), kind);
  return at + word.size();
}

const char* Parser::digits(const char* at) {
  if (at == end_ || !is_digit(*at)) return fail(at, "a digit");
  do {
    ++at;
  } while (at < end_ && is_digit(*at));
  return at;
}

const char* Parser::number(const char* at) {
  const char* from = at;
  if (*at == '-') {
    ++at;
  } else if (!is_digit(*at)) {
    return fail(at, "a value");
  }
  if (at < end_ && *at == '0') {
    ++at;
    if (at < end_ && is_digit(*at)) return refuse(at - 1, "a number may not begin with 0");
  } else {
    at = digits(at);
    if (at == nullptr) return nullptr;
  }
  if (at < end_ && *at == '.') {
    at = digits(at + 1);
    if (at == nullptr) return nullptr;
  }
  bool exponent = at < end_ && (*at | 0x20) == 'e';
  if (exponent) {
    ++at;
    if (at < end_ && (*at == '+' || *at == '-')) ++at;
    at = digits(at);
    if (at == nullptr) return nullptr;
  }
  // Without an exponent it takes 309 digits to leave the range.
  if ((exponent || at - from > 300) && overflows({from, static_cast<std::size_t>(at - from)})) {
    return refuse(from, "the number is too large for a double");
  }
  add(from, at, Kind::number);
  return at;
}

const char* Parser::string(const char* at) {
  const char* from = at++;
  bool escaped = false;
  for (;;) {
    std::uint64_t special = 0;
    while (end_ - at >= 8) {
      std::uint64_t word = load_word(at);
      seen_ |= word;
      special = special_bytes(word);
      if (special != 0) {
        at += std::countr_zero(special) / 8;
        break;
      }
      at += 8;
    }
    for (; at < end_ && !is_special(static_cast<unsigned char>(*at)); ++at) {
      seen_ |= static_cast<unsigned char>(*at);
    }
    if (at == end_) return fail(at, "'\"' at the end of a string");
    if (*at == '"') break;
    if (*at != '\\') return refuse(at, "a control character in a string must be escaped");
    escaped = true;
    at = escape(at);
    if (at == nullptr) return nullptr;
  }
  ++at;
  add(from, at, Kind::string, escaped);
  return at;
}

const char* Parser::escape(const char* at) {
  if (at + 1 == end_) return fail(at + 1, "a character behind the backslash");
  switch (at[1]) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
      return at + 2;
    case 'u':
      break;
    default:
      return fail(at + 1, "one of \"\\/bfnrtu behind the backslash");
  }
  auto unit = [&](const char* digits) { return end_ - digits >= 4 ? hex4(digits) : -1; };
  int first = unit(at + 2);
  if (first < 0) return fail(at + 2, "four hexadecimal digits behind \\u");
  if (is_low_surrogate(first)) return refuse(at, "a lone surrogate is no character");
  if (!is_high_surrogate(first)) return at + 6;
  if (end_ - at < 12 || at[6] != '\\' || at[7] != 'u' || !is_low_surrogate(unit(at + 8))) {
    return refuse(at, "a lone surrogate is no character");
  }
  return at + 12;
}

// A member's name and the colon behind it.
const char* Parser::name(const char* at) {
  if (at == end_ || *at != '"') return fail(at, "'\"' to begin a member's name");
  at = string(at);
  if (at == nullptr) return nullptr;
  at = skip_space(at);
  if (at == end_ || *at != ':') return fail(at, "':' behind a member's name");
  return at + 1;
}

std::string Parser::message() const {
  auto at = static_cast<std::size_t>(failed_at_ - text_.data());
  auto [line, column] = position_of(text_, at);
  std::string message = "JSON, byte " + std::to_string(at) + " (line " + std::to_string(line) +
                        ", column " + std::to_string(column) + "): ";
  if (!refused_) message += "expected ";
  message += expected_;
  if (!refused_) message += ", found " + shown(failed_at_, end_);
  return message;
}

// A string's bytes, one by one, unescaped.
class UnescapedBytes {
 public:
  explicit UnescapedBytes(std::string_view inside)
      : at_(inside.data()), end_(inside.data() + inside.size()) {}

  // -1 at the end.
  int next() {
    if (given_ < escape_.bytes) return static_cast<unsigned char>(escape_.utf8[given_++]);
    if (at_ == end_) return -1;
    if (*at_ != '\\') return static_cast<unsigned char>(*at_++);
    escape_ = decode_escape(at_);
    at_ += escape_.length;
    given_ = 1;
    return static_cast<unsigned char>(escape_.utf8[0]);
  }

 private:
  const char* at_;
  const char* end_;
  Escape escape_{};
  unsigned given_ = 0;
};

// The inside of a quoted string for `byte`, which is_special().
void append_escaped(std::string& out, unsigned char byte) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  switch (byte) {
    case '"':
      out += "\\\"";
      break;
    case '\\':
      out += "\\\\";
      break;
    case '\b':
      out += "\\b";
      break;
    case '\f':
      out += "\\f";
      break;
    case '\n':
      out += "\\n";
      break;
    case '\r':
      out += "\\r";
      break;
    case '\t':
      out += "\\t";
      break;
    default:
      out += "\\u00";
      out += digits[byte >> 4];
      out += digits[byte & 15];
  }
}

void append_valid(std::string& out, std::string_view utf8) {
  const char* at = utf8.data();
  const char* end = at + utf8.size();
  while (at < end) {
    const char* from = at;
    std::uint64_t special = 0;
    while (end - at >= 8 && (special = special_bytes(load_word(at))) == 0) at += 8;
    if (special != 0) at += std::countr_zero(special) / 8;
    while (at < end && !is_special(static_cast<unsigned char>(*at))) ++at;
    out.append(from, at);
    if (at < end) append_escaped(out, static_cast<unsigned char>(*at++));
  }
}

}  // namespace

std::string_view describe(Kind kind) {
  switch (kind) {
    case Kind::null:
      return "null";
    case Kind::boolean:
      return "a boolean";
    case Kind::number:
      return "a number";
    case Kind::string:
      return "a string";
    case Kind::array:
      return "an array";
    case Kind::object:
      return "an object";
  }
  assert(false && "every kind has a name");
  return {};
}

Result<void> parse(std::string_view text, Tape& tape, unsigned nesting_max) {
  tape.text = text;
  tape.nodes.clear();
  tape.spaced = false;
  if (text.size() > text_bytes_max) {
    tape.text = {};
    return Error{"JSON: the text has " + std::to_string(text.size()) + " bytes, more than " +
                 std::to_string(text_bytes_max)};
  }
  Parser parser(tape, nesting_max);
  if (!parser.run()) {
    tape.nodes.clear();
    tape.text = {};
    return Error{parser.message()};
  }
  tape.spaced = parser.spaced();
  return {};
}

bool Value::is(std::string_view plain) const {
  if (!is_string()) return false;
  std::string_view inside = tape_->inside(node());
  if (!node().escaped) return inside == plain;
  UnescapedBytes bytes(inside);
  for (char c : plain) {
    if (bytes.next() != static_cast<unsigned char>(c)) return false;
  }
  return bytes.next() < 0;
}

std::string_view Value::string(std::string& buffer) const {
  assert(is_string() && "only a string has characters");
  std::string_view inside = tape_->inside(node());
  if (!node().escaped) return inside;
  buffer.clear();
  unescape(buffer, inside);
  return buffer;
}

std::string Value::string() const {
  std::string buffer;
  return std::string(string(buffer));
}

std::optional<bool> Value::boolean() const {
  if (kind() != Kind::boolean) return std::nullopt;
  return raw()[0] == 't';
}

std::optional<std::int64_t> Value::integer() const {
  if (kind() != Kind::number) return std::nullopt;
  std::string_view digits = raw();
  std::int64_t value;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

std::optional<Value> Value::find(std::string_view name) const {
  std::optional<Value> found;
  for (Member member : members()) {
    if (member.name.is(name)) found = member.value;
  }
  return found;
}

std::strong_ordering compare_strings(const Tape& a, const Node& x, const Tape& b, const Node& y) {
  if (!x.escaped && !y.escaped) {
    // Most names differ in their first byte; that of an empty one is the quote that ends it.
    auto first = static_cast<unsigned char>(a.text[x.start + 1]);
    auto other = static_cast<unsigned char>(b.text[y.start + 1]);
    if (first != other && first != '"' && other != '"') return first <=> other;
    return a.inside(x).compare(b.inside(y)) <=> 0;
  }
  UnescapedBytes left(a.inside(x));
  UnescapedBytes right(b.inside(y));
  for (;;) {
    int byte = left.next();
    if (auto order = byte <=> right.next(); order != 0 || byte < 0) return order;
  }
}

void quote(std::string& out, std::string_view utf8) {
  out += '"';
  if (simdjson::validate_utf8(utf8)) {
    append_valid(out, utf8);
  } else {
    while (!utf8.empty()) {
      std::size_t valid = first_invalid_utf8(utf8);
      append_valid(out, utf8.substr(0, valid));
      utf8.remove_prefix(valid);
      if (utf8.empty()) break;
      out += "\xEF\xBF\xBD";
      utf8.remove_prefix(1);
    }
  }
  out += '"';
}

bool is_utf8(std::string_view bytes) {
  return simdjson::validate_utf8(bytes);
}

void unescape(std::string& out, std::string_view inside) {
  while (!inside.empty()) {
    std::size_t plain = std::min(inside.find('\\'), inside.size());
    out.append(inside, 0, plain);
    inside.remove_prefix(plain);
    if (inside.empty()) break;
    Escape escape = decode_escape(inside.data());
    out.append(escape.utf8.data(), escape.bytes);
    inside.remove_prefix(escape.length);
  }
}

Position position_of(std::string_view text, std::size_t offset) {
  Position position{.line = 1, .column = 1};
  for (char c : text.substr(0, offset)) {
    if (c == '\n') {
      ++position.line;
      position.column = 1;
    } else {
      ++position.column;
    }
  }
  return position;
}

}  // namespace troupe::json
