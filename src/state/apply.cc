#include "state/apply.h"

#include "base/json.h"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace troupe::state {
namespace {

using json::Kind;

// A document that can be changed: members of an object are children with names, in their order.
struct Tree {
  Kind kind = Kind::null;
  std::string name;  // unescaped
  std::string text;  // of what is neither array nor object
  std::vector<Tree> children;

  bool is_container() const { return kind == Kind::array || kind == Kind::object; }
};

Tree tree_of(json::Value value) {
  Tree tree{.kind = value.kind()};
  if (!tree.is_container()) tree.text = value.raw();
  tree.children.reserve(value.size());
  for (json::Value element : value.elements()) tree.children.push_back(tree_of(element));
  for (json::Member member : value.members()) {
    tree.children.push_back(tree_of(member.value));
    tree.children.back().name = member.name.string();
  }
  return tree;
}

void write(const Tree& tree, std::string& out) {
  if (!tree.is_container()) {
    out += tree.text;
    return;
  }
  const bool object = tree.kind == Kind::object;
  out += object ? '{' : '[';
  for (const Tree& child : tree.children) {
    if (&child != tree.children.data()) out += ',';
    if (object) {
      json::quote(out, child.name);
      out += ':';
    }
    write(child, out);
  }
  out += object ? '}' : ']';
}

// At least a third of the text's bytes and of the nodes: enough to bound both.
std::size_t weight(const Tree& tree) {
  std::size_t sum = tree.text.size() + tree.name.size() + 1;
  for (const Tree& child : tree.children) sum += weight(child);
  return sum;
}

unsigned height(const Tree& tree) {
  unsigned highest = 0;
  for (const Tree& child : tree.children) highest = std::max(highest, height(child));
  return tree.is_container() ? highest + 1 : 0;
}

using Pointer = std::vector<std::string>;

Result<Pointer> parse_pointer(std::string_view text) {
  Pointer pointer;
  if (!text.empty() && text[0] != '/') return Error{"a path is empty or begins with '/'"};
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '/') {
      pointer.emplace_back();
    } else if (text[at] != '~') {
      pointer.back() += text[at];
    } else if (at + 1 < text.size() && (text[at + 1] == '0' || text[at + 1] == '1')) {
      pointer.back() += text[++at] == '0' ? '~' : '/';
    } else {
      return Error{"'~' in a path is followed by 0 or 1"};
    }
  }
  return pointer;
}

// Where a child is, or would be, among the children of an array or object.
struct Place {
  std::size_t index;
  bool there;
};

Result<Place> place_of(const Tree& parent, const std::string& token) {
  const std::vector<Tree>& children = parent.children;
  if (parent.kind == Kind::object) {
    auto found = std::lower_bound(
        children.begin(), children.end(), token, [](const Tree& child, const std::string& name) {
          return child.name < name;
        });
    return Place{.index = static_cast<std::size_t>(found - children.begin()),
                 .there = found != children.end() && found->name == token};
  }
  if (parent.kind != Kind::array) {
    return Error{"'" + token + "' is looked for in " + std::string(describe(parent.kind))};
  }
  if (token == "-") return Place{.index = children.size(), .there = false};
  std::uint32_t index = 0;
  auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), index);
  if (token.empty() || error != std::errc() || end != token.data() + token.size() ||
      (token[0] == '0' && token.size() > 1)) {
    return Error{"'" + token + "' is no index of an array"};
  }
  if (index > children.size()) {
    return Error{"index " + token + " is beyond an array of " + std::to_string(children.size())};
  }
  return Place{.index = index, .there = index < children.size()};
}

// One application of one patch.
class Patching {
 public:
  Patching(const Canonical& document, std::size_t bytes_max)
      : root_(tree_of(document.root())), weight_(weight(root_)), bytes_max_(bytes_max) {}

  Result<void> operate(json::Value operation);
  Result<Canonical> result() const;

 private:
  Result<void> operate(std::string_view op, json::Value operation, const Pointer& path);
  Result<Tree*> find(const Pointer& path);
  Result<Tree> take(const Pointer& path);
  Result<void> put(const Pointer& path, Tree value);

  Tree root_;
  std::size_t weight_;
  std::size_t bytes_max_;
};

Result<std::string> text_member(json::Value operation, std::string_view name) {
  auto value = operation.find(name);
  if (!value) return Error{"it has no '" + std::string(name) + "'"};
  if (!value->is_string()) return Error{"its '" + std::string(name) + "' is no string"};
  return value->string();
}

Result<void> Patching::operate(json::Value operation) {
  if (!operation.is_object()) {
    return Error{"an operation is an object, not " + std::string(describe(operation.kind()))};
  }
  TRY(std::string op, text_member(operation, "op"));
  TRY(std::string path_text, text_member(operation, "path"));
  auto done = [&]() -> Result<void> {
    TRY(Pointer path, parse_pointer(path_text));
    return operate(op, operation, path);
  }();
  if (done.has_error()) return Error{op + " \"" + path_text + "\": " + done.error().message};
  return {};
}

Result<void> Patching::operate(std::string_view op, json::Value operation, const Pointer& path) {
  if (op == "remove") {
    TRY([[maybe_unused]] Tree removed, take(path));
    return {};
  }
  if (op == "add" || op == "replace" || op == "test") {
    auto given = operation.find("value");
    if (!given) return Error{"it has no 'value'"};
    TRY(Canonical value, Canonical::read(given->raw()));
    if (op == "add") return put(path, tree_of(value.root()));
    TRY(Tree * target, find(path));
    if (op == "test") {
      std::string text;
      write(*target, text);
      if (text != value.text()) return Error{"the value there is another"};
      return {};
    }
    if (path.empty()) return put(path, tree_of(value.root()));
    TRY([[maybe_unused]] Tree replaced, take(path));
    return put(path, tree_of(value.root()));
  }
  if (op == "move" || op == "copy") {
    TRY(std::string from_text, text_member(operation, "from"));
    TRY(Pointer from, parse_pointer(from_text));
    TRY(Tree * source, find(from));
    if (op == "copy") return put(path, *source);
    if (from == path) return {};
    if (from.size() < path.size() && std::equal(from.begin(), from.end(), path.begin())) {
      return Error{"a value cannot be moved into itself"};
    }
    TRY(Tree moved, take(from));
    return put(path, std::move(moved));
  }
  return Error{"there is no such operation"};
}

Result<Tree*> Patching::find(const Pointer& path) {
  Tree* tree = &root_;
  for (const std::string& token : path) {
    TRY(Place place, place_of(*tree, token));
    if (!place.there) return Error{"there is no '" + token + "'"};
    tree = &tree->children[place.index];
  }
  return tree;
}

Result<Tree> Patching::take(const Pointer& path) {
  if (path.empty()) return Error{"the whole document cannot be removed"};
  TRY(Tree * parent, find(Pointer(path.begin(), path.end() - 1)));
  TRY(Place place, place_of(*parent, path.back()));
  if (!place.there) return Error{"there is no '" + path.back() + "'"};
  auto child = parent->children.begin() + static_cast<std::ptrdiff_t>(place.index);
  Tree taken = std::move(*child);
  parent->children.erase(child);
  weight_ -= weight(taken);
  return taken;
}

Result<void> Patching::put(const Pointer& path, Tree value) {
  if (path.size() + height(value) > json::depth_max) {
    return Error{"arrays and objects would be nested too deeply"};
  }
  value.name.clear();
  if (path.empty()) {
    root_ = std::move(value);
    weight_ = weight(root_);
    return {};
  }
  TRY(Tree * parent, find(Pointer(path.begin(), path.end() - 1)));
  TRY(Place place, place_of(*parent, path.back()));
  auto child = parent->children.begin() + static_cast<std::ptrdiff_t>(place.index);
  if (parent->kind == Kind::object) {
    value.name = path.back();
    if (place.there) {
      weight_ -= weight(*child);
      child = parent->children.erase(child);
    }
  }
  weight_ += weight(value);
  if (weight_ > bytes_max_) {
    return Error{"the document would have more than " + std::to_string(bytes_max_) + " bytes"};
  }
  parent->children.insert(child, std::move(value));
  return {};
}

Result<Canonical> Patching::result() const {
  std::string text;
  write(root_, text);
  if (text.size() > bytes_max_) {
    return Error{"the document would have " + std::to_string(text.size()) + " bytes, more than " +
                 std::to_string(bytes_max_)};
  }
  return Canonical::read(text);
}

}  // namespace

Result<Canonical> apply_patch(const Canonical& document,
                              std::string_view patch,
                              std::size_t bytes_max) {
  json::Tape tape;
  // A value as deep as a document may be stands in an operation in an array.
  TRY_VOID(json::parse(patch, tape, json::depth_max + 2));
  if (!tape.root().is_array()) {
    return Error{"a patch is an array of operations, not " +
                 std::string(describe(tape.root().kind()))};
  }
  Patching patching(document, bytes_max);
  std::size_t index = 0;
  for (json::Value operation : tape.root().elements()) {
    auto done = patching.operate(operation);
    if (done.has_error()) {
      return Error{"patch operation " + std::to_string(index) + ": " + done.error().message};
    }
    ++index;
  }
  return patching.result();
}

}  // namespace troupe::state
