#include "state/canonical.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace troupe::state {
namespace {

using json::Kind;
using json::Node;
using json::Tape;

// What one reading needs and the next may use again. Left with the thread, because the text of a
// Canonical and its nodes then need one allocation each, of their exact sizes.
struct Scratch {
  Tape tape;
  std::vector<std::uint32_t> names;  // nodes of the names of the objects being written
  std::string unescaped;
};

// Nodes kept for the next reading: 1 MiB. What a larger text needed is given back.
constexpr std::size_t scratch_nodes_max = 1 << 16;

// Whether the inside of a string, accepted by json::parse(), is what json::quote() writes.
bool quoted_as_we_do(std::string_view inside) {
  for (std::size_t at = inside.find('\\'); at != std::string_view::npos;
       at = inside.find('\\', at)) {
    char kind = inside[at + 1];
    if (kind == '/') return false;
    at += 2;
    if (kind != 'u') continue;
    std::string_view digits = inside.substr(at, 4);
    if (digits[0] != '0' || digits[1] != '0' || digits[2] > '1' || digits[3] > 'F') return false;
    if (digits[2] == '0' && std::string_view("89ACD").find(digits[3]) != std::string_view::npos) {
      return false;  // has a short escape
    }
    at += 4;
  }
  return true;
}

bool is_canonical(const Tape& tape) {
  if (tape.spaced) return false;
  for (const Node& node : tape.nodes) {
    if (node.escaped && !quoted_as_we_do(tape.inside(node))) return false;
    if (node.kind != Kind::object || node.children < 2) continue;
    const Node* name = &node + 1;
    for (std::uint32_t i = 1; i < node.children; ++i) {
      const Node* next = &tape.nodes[name[1].next];
      if (json::compare_strings(tape, *name, tape, *next) >= 0) return false;
      name = next;
    }
  }
  return true;
}

// Writes the value at one node of a tape, and the tape of what it writes.
class Writer {
 public:
  Writer(Scratch& scratch, std::string& text, std::vector<Node>& nodes)
      : from_(scratch.tape), scratch_(scratch), text_(text), nodes_(nodes) {}

  void value(std::uint32_t index) {
    const Node& node = from_.nodes[index];
    switch (node.kind) {
      case Kind::array:
        array(index);
        break;
      case Kind::object:
        object(index);
        break;
      case Kind::string:
        string(node);
        break;
      default:
        scalar(node, from_.raw(node), false);
    }
  }

 private:
  void scalar(const Node& node, std::string_view raw, bool escaped) {
    auto start = static_cast<std::uint32_t>(text_.size());
    text_ += raw;
    nodes_.push_back(Node{.start = start,
                          .end = static_cast<std::uint32_t>(text_.size()),
                          .next = static_cast<std::uint32_t>(nodes_.size() + 1),
                          .children = 0,
                          .kind = node.kind,
                          .escaped = escaped});
  }

  void string(const Node& node) {
    if (!node.escaped) return scalar(node, from_.raw(node), false);
    scratch_.unescaped.clear();
    json::unescape(scratch_.unescaped, from_.inside(node));
    auto start = static_cast<std::uint32_t>(text_.size());
    json::quote(text_, scratch_.unescaped);
    bool escaped = text_.find('\\', start) != std::string::npos;
    nodes_.push_back(Node{.start = start,
                          .end = static_cast<std::uint32_t>(text_.size()),
                          .next = static_cast<std::uint32_t>(nodes_.size() + 1),
                          .children = 0,
                          .kind = Kind::string,
                          .escaped = escaped});
  }

  std::uint32_t open(Kind kind, char bracket) {
    auto index = static_cast<std::uint32_t>(nodes_.size());
    nodes_.push_back(Node{.start = static_cast<std::uint32_t>(text_.size()),
                          .end = 0,
                          .next = 0,
                          .children = 0,
                          .kind = kind,
                          .escaped = false});
    text_ += bracket;
    return index;
  }

  void close(std::uint32_t index, char bracket) {
    text_ += bracket;
    nodes_[index].end = static_cast<std::uint32_t>(text_.size());
    nodes_[index].next = static_cast<std::uint32_t>(nodes_.size());
  }

  void array(std::uint32_t index) {
    std::uint32_t written = open(Kind::array, '[');
    for (json::Value element : json::Value(from_, index).elements()) {
      if (nodes_[written].children++ > 0) text_ += ',';
      value(element.index());
    }
    close(written, ']');
  }

  void object(std::uint32_t index) {
    // The names of this object, behind those of the objects it stands in.
    std::vector<std::uint32_t>& names = scratch_.names;
    const std::size_t first = names.size();
    for (json::Member member : json::Value(from_, index).members()) {
      names.push_back(member.name.index());
    }
    auto order = [this](std::uint32_t a, std::uint32_t b) {
      return json::compare_strings(from_, from_.nodes[a], from_, from_.nodes[b]);
    };
    auto begin = names.begin() + static_cast<std::ptrdiff_t>(first);
    std::sort(begin, names.end(), [&](std::uint32_t a, std::uint32_t b) {
      auto by_name = order(a, b);
      return by_name != 0 ? by_name < 0 : a < b;
    });

    std::uint32_t written = open(Kind::object, '{');
    for (std::size_t i = first; i < names.size(); ++i) {
      if (i + 1 < names.size() && order(names[i], names[i + 1]) == 0) continue;
      if (nodes_[written].children++ > 0) text_ += ',';
      string(from_.nodes[names[i]]);
      text_ += ':';
      value(names[i] + 1);
    }
    close(written, '}');
    names.resize(first);
  }

  const Tape& from_;
  Scratch& scratch_;
  std::string& text_;
  std::vector<Node>& nodes_;
};

}  // namespace

Result<Canonical> Canonical::read(std::string_view text) {
  thread_local Scratch scratch;
  TRY_VOID(json::parse(text, scratch.tape));
  Canonical result;
  if (is_canonical(scratch.tape)) {
    result.text_ = text;
    result.tape_.nodes = scratch.tape.nodes;
  } else {
    result.text_.reserve(text.size());
    result.tape_.nodes.reserve(scratch.tape.nodes.size());
    Writer(scratch, result.text_, result.tape_.nodes).value(0);
  }
  result.tape_.text = result.text_;
  if (scratch.tape.nodes.capacity() > scratch_nodes_max) scratch = {};
  return result;
}

}  // namespace troupe::state
