// Random documents for the tests of this folder, the same again for the same seed.
#pragma once

#include "base/json.h"
#include "base/test_random.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::state {

using test::Random;

// A document to be grown, changed and written in many ways.
struct Sketch {
  json::Kind kind = json::Kind::null;
  std::string token;             // of a number, boolean or null
  std::string name;              // of a member
  std::string string;            // the characters of a string
  std::vector<Sketch> children;  // members have different names
};

inline std::string random_characters(Random& random) {
  static constexpr std::array<std::string_view, 22> pieces = {"",
                                                              "a",
                                                              "b",
                                                              "c",
                                                              "key",
                                                              "0",
                                                              "1",
                                                              "-",
                                                              "~",
                                                              "~1",
                                                              "~0",
                                                              "/",
                                                              "a/b",
                                                              "\"",
                                                              "\\",
                                                              "\n",
                                                              " ",
                                                              "A",
                                                              "\xC3\xA9",
                                                              "\x01\x1F",
                                                              "\xE2\x80\xA8",
                                                              "\xF0\x9F\x98\x80"};
  std::string characters;
  for (std::size_t n = random.below(3); n > 0; --n) characters += random.one_of(pieces);
  return characters;
}

inline Sketch random_sketch(Random& random, unsigned height);

inline void give_child(Random& random, Sketch& parent, std::size_t place, Sketch child) {
  if (parent.kind == json::Kind::object) {
    child.name = random_characters(random);
    std::erase_if(parent.children, [&](const Sketch& other) { return other.name == child.name; });
    place = std::min(place, parent.children.size());
  }
  parent.children.insert(parent.children.begin() + static_cast<std::ptrdiff_t>(place),
                         std::move(child));
}

inline Sketch random_sketch(Random& random, unsigned height) {
  static constexpr std::array<std::string_view, 14> tokens = {"null",
                                                              "true",
                                                              "false",
                                                              "0",
                                                              "1",
                                                              "2",
                                                              "1.0",
                                                              "-7",
                                                              "1e2",
                                                              "0.5",
                                                              "-0.0",
                                                              "1E2",
                                                              "null",
                                                              "123456789012345678901234567890"};
  Sketch sketch;
  if (height > 0 && !random.one_in(3)) {
    sketch.kind = random.one_in(2) ? json::Kind::array : json::Kind::object;
    for (std::size_t n = random.below(random.one_in(8) ? 40 : 6); n > 0; --n) {
      give_child(random, sketch, sketch.children.size(), random_sketch(random, height - 1));
    }
  } else if (random.one_in(3)) {
    sketch.kind = json::Kind::string;
    sketch.string = random_characters(random);
  } else {
    sketch.token = random.one_of(tokens);
    sketch.kind = json::Kind::number;
  }
  return sketch;
}

// Changes something somewhere.
inline void mutate(Random& random, Sketch& sketch) {
  const bool container = sketch.kind == json::Kind::array || sketch.kind == json::Kind::object;
  if (container && !sketch.children.empty() && random.one_in(2)) {
    return mutate(random, sketch.children[random.below(sketch.children.size())]);
  }
  auto replace = [&](Sketch other) {
    other.name = std::move(sketch.name);
    sketch = std::move(other);
  };
  if (!container) return replace(random_sketch(random, 2));
  auto at = [&](std::size_t place) {
    return sketch.children.begin() + static_cast<std::ptrdiff_t>(place);
  };
  const std::size_t size = sketch.children.size();
  switch (random.below(6)) {
    case 0:
      return give_child(random, sketch, random.below(size + 1), random_sketch(random, 2));
    case 1:
      if (size > 0) sketch.children.erase(at(random.below(size)));
      return;
    case 2: {
      if (size == 0) return;
      std::size_t from = random.below(size);
      Sketch moved = std::move(sketch.children[from]);
      sketch.children.erase(at(from));
      sketch.children.insert(at(random.below(size)), std::move(moved));
      return;
    }
    case 3:
      if (size > 0)
        std::swap(sketch.children[random.below(size)], sketch.children[random.below(size)]);
      return;
    case 4: {
      // [] to {} and back, with what is inside.
      Sketch other{.kind =
                       sketch.kind == json::Kind::array ? json::Kind::object : json::Kind::array};
      for (Sketch& child : sketch.children) give_child(random, other, 0, std::move(child));
      return replace(std::move(other));
    }
    default:
      return replace(random_sketch(random, 2));
  }
}

// Writes with random white space, escapes and order of members, and now and then a member whose
// name comes again behind it.
class Writer {
 public:
  explicit Writer(Random& random) : random_(random) {}

  std::string write(const Sketch& sketch) {
    out_.clear();
    value(sketch);
    return out_;
  }

 private:
  void space() {
    static constexpr std::array<std::string_view, 4> spaces = {" ", "\n", "\t", "\r\n "};
    if (random_.one_in(12)) out_ += random_.one_of(spaces);
  }

  void string(std::string_view characters) {
    out_ += '"';
    for (char c : characters) {
      auto byte = static_cast<unsigned char>(c);
      if (byte < 0x20 || c == '"' || c == '\\' || (byte < 0x80 && random_.one_in(10))) {
        static constexpr std::string_view upper = "0123456789ABCDEF";
        static constexpr std::string_view lower = "0123456789abcdef";
        const std::string_view digits = random_.one_in(2) ? upper : lower;
        out_ += "\\u00";
        out_ += digits[byte >> 4];
        out_ += digits[byte & 15];
      } else if (c == '/' && random_.one_in(2)) {
        out_ += "\\/";
      } else {
        out_ += c;
      }
    }
    out_ += '"';
  }

  void value(const Sketch& sketch) {
    space();
    if (sketch.kind == json::Kind::string) {
      string(sketch.string);
    } else if (sketch.kind == json::Kind::array) {
      out_ += '[';
      for (const Sketch& child : sketch.children) {
        if (&child != sketch.children.data()) out_ += ',';
        value(child);
      }
      space();
      out_ += ']';
    } else if (sketch.kind == json::Kind::object) {
      object(sketch);
    } else {
      out_ += sketch.token;
    }
    space();
  }

  void object(const Sketch& sketch) {
    std::vector<const Sketch*> members;
    for (const Sketch& child : sketch.children) members.push_back(&child);
    std::shuffle(members.begin(), members.end(), random_);
    out_ += '{';
    for (std::size_t i = 0; i < members.size(); ++i) {
      if (i > 0) out_ += ',';
      if (random_.one_in(20)) {
        string(members[i + random_.below(members.size() - i)]->name);
        out_ += ":[0],";
      }
      space();
      string(members[i]->name);
      space();
      out_ += ':';
      value(*members[i]);
    }
    space();
    out_ += '}';
  }

  Random& random_;
  std::string out_;
};

}  // namespace troupe::state
