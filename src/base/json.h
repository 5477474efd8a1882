// JSON text read as spans: which value lies where in the text, without copies and without a tree.
//
// parse() checks a whole text by RFC 8259 and fills a Tape with one Node for each value, and one
// for each member's name, in the order of the text. A Tape is kept and used again: once it has
// grown to the texts it meets, reading allocates nothing. It borrows the text, which must outlive
// its use.
//
//   {"a":[1,2],"b":null}   ->   object{2} "a" array{2} 1 2 "b" null
//
// Values and what they give out are borrowed from the Tape and its text. Everything here may be
// used by any thread, one thread for a Tape at a time.
#pragma once

#include "base/result.h"

#include <compare>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::json {

// Nested arrays and objects; one more is refused. It bounds every recursion over a Tape.
inline constexpr unsigned depth_max = 128;
// What the offsets and counts of a Node can hold.
inline constexpr std::size_t text_bytes_max = (std::size_t{1} << 29) - 1;

enum class Kind : std::uint8_t { null, boolean, number, string, array, object };

// "an object", "a string" and so on, for messages.
std::string_view describe(Kind kind);

struct Node {
  std::uint32_t start;          // offset of the first byte, of a string its opening quote
  std::uint32_t end;            // offset behind the last byte
  std::uint32_t next;           // index of the node behind this one and all that it contains
  std::uint32_t children : 28;  // elements of an array, members of an object, else 0
  Kind kind : 3;
  bool escaped : 1;  // a string that has a backslash in its text
};
static_assert(sizeof(Node) == 16);

class Value;

struct Tape {
  std::string_view text;    // may be set to the same bytes at another address
  std::vector<Node> nodes;  // nodes[0] is the root; a member is its name's node, then its value's
  bool spaced = false;      // there is white space between tokens

  std::string_view raw(const Node& node) const {
    return {text.data() + node.start, node.end - node.start};
  }
  // What is between a string's quotes, still escaped.
  std::string_view inside(const Node& string) const {
    return {text.data() + string.start + 1, string.end - string.start - 2};
  }
  Value root() const;
};

// Reads one JSON text, which is a single value with nothing but white space around it.
//
// Refused beside bad syntax: bytes that are not UTF-8, escapes of lone surrogates, numbers too
// large for a double, more nesting than `nesting_max`, an empty text. Equal names in an object are
// not refused; Value::find() takes the last. On error the message says where and what was expected,
// and the Tape is empty.
Result<void> parse(std::string_view text, Tape& tape, unsigned nesting_max = depth_max);

struct Member;
template <class Child>
class Children;

// One value of a Tape: two words, to be passed by value.
class Value {
 public:
  Value(const Tape& tape, std::uint32_t index) : tape_(&tape), index_(index) {}

  const Node& node() const { return tape_->nodes[index_]; }
  std::uint32_t index() const { return index_; }
  // The index of the node behind this value.
  std::uint32_t next() const { return node().next; }
  Kind kind() const { return node().kind; }
  bool is_null() const { return kind() == Kind::null; }
  bool is_string() const { return kind() == Kind::string; }
  bool is_array() const { return kind() == Kind::array; }
  bool is_object() const { return kind() == Kind::object; }

  // Its part of the text, a string with its quotes.
  std::string_view raw() const { return tape_->raw(node()); }
  // Elements of an array, members of an object, else 0.
  std::uint32_t size() const { return node().children; }

  // Whether this is a string that reads `plain` once unescaped.
  bool is(std::string_view plain) const;
  // A string's characters; those of the text itself when nothing is escaped, else in `buffer`.
  std::string_view string(std::string& buffer) const;
  std::string string() const;
  // Nothing when it is no boolean.
  std::optional<bool> boolean() const;
  // Nothing when it is no number, has a point or an exponent, or does not fit.
  std::optional<std::int64_t> integer() const;

  // For an array; nothing is visited otherwise.
  Children<Value> elements() const;
  // For an object; nothing is visited otherwise.
  Children<Member> members() const;
  // The value of the last member of that name; nothing when there is none or this is no object.
  std::optional<Value> find(std::string_view name) const;

 private:
  const Tape* tape_;
  std::uint32_t index_;
};

struct Member {
  Member(const Tape& tape, std::uint32_t index) : name(tape, index), value(tape, index + 1) {}
  std::uint32_t next() const { return value.next(); }

  Value name;
  Value value;
};

// The children of one value in the order of the text, for a range-based for.
template <class Child>
class Children {
 public:
  Children(const Tape& tape, std::uint32_t first, std::uint32_t end)
      : tape_(&tape), first_(first), end_(end) {}

  struct End {};
  class Iterator {
   public:
    Iterator(const Tape& tape, std::uint32_t at, std::uint32_t end)
        : tape_(&tape), at_(at), end_(end) {}
    Child operator*() const { return Child(*tape_, at_); }
    Iterator& operator++() {
      at_ = (**this).next();
      return *this;
    }
    bool operator==(End) const { return at_ == end_; }

   private:
    const Tape* tape_;
    std::uint32_t at_;
    std::uint32_t end_;
  };

  Iterator begin() const { return {*tape_, first_, end_}; }
  End end() const { return {}; }

 private:
  const Tape* tape_;
  std::uint32_t first_;
  std::uint32_t end_;
};

inline Value Tape::root() const {
  return {*this, 0};
}

inline Children<Value> Value::elements() const {
  return {*tape_, is_array() ? index_ + 1 : 0, is_array() ? next() : 0};
}

inline Children<Member> Value::members() const {
  return {*tape_, is_object() ? index_ + 1 : 0, is_object() ? next() : 0};
}

// Orders two strings by the bytes of their unescaped UTF-8.
std::strong_ordering compare_strings(const Tape& a, const Node& x, const Tape& b, const Node& y);

// Appends `utf8` as a JSON string with its quotes. Escaped are only ", \ and the control
// characters:
// \b \t \n \f \r, the others as \u00XX with capital hexadecimal digits. Bytes that are not UTF-8
// are replaced by U+FFFD, so that what is written is JSON whatever came in.
void quote(std::string& out, std::string_view utf8);

// Appends an array of these strings.
template <class Strings>
void quote_array(std::string& out, const Strings& strings) {
  out += '[';
  for (const auto& each : strings) {
    if (out.back() != '[') out += ',';
    quote(out, each);
  }
  out += ']';
}

// Appends an object of strings, from pairs of a name and a value, in their order.
template <class Pairs>
void quote_object(std::string& out, const Pairs& pairs) {
  out += '{';
  for (const auto& [name, value] : pairs) {
    if (out.back() != '{') out += ',';
    quote(out, name);
    out += ':';
    quote(out, value);
  }
  out += '}';
}

bool is_utf8(std::string_view bytes);

// Appends the characters that stand between the quotes of a string parse() has accepted.
void unescape(std::string& out, std::string_view inside);

// Both count from 1, columns in bytes.
struct Position {
  std::size_t line;
  std::size_t column;
};
Position position_of(std::string_view text, std::size_t offset);

}  // namespace troupe::json
