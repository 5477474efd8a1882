// A JSON value as its canonical text: equal values are equal bytes.
//
// Canonical text has no white space, members sorted by the bytes of their unescaped names, of
// members with equal names the last alone, and strings as json::quote() writes them. Numbers stay
// as they were written: 1 and 1.0 are different values.
//
//   {"b":1.0, "a":"\u0041", "b":[ ]}   ->   {"a":"A","b":[]}
//
// A Canonical owns its text and the tape over it, so that what is inside can be visited and
// compared with no second parse. A value: it may be moved to any thread; one thread uses it at a
// time.
#pragma once

#include "base/json.h"
#include "base/result.h"

#include <string>
#include <string_view>
#include <utility>

namespace troupe::state {

class Canonical {
 public:
  // Reads any JSON text (json::parse() says what that is). Text that is canonical already is
  // checked and copied once, nothing more.
  static Result<Canonical> read(std::string_view text);

  Canonical(Canonical&& other) noexcept
      : text_(std::move(other.text_)), tape_(std::move(other.tape_)) {
    tape_.text = text_;
  }
  Canonical& operator=(Canonical&& other) noexcept {
    text_ = std::move(other.text_);
    tape_ = std::move(other.tape_);
    tape_.text = text_;
    return *this;
  }
  Canonical(const Canonical&) = delete;
  Canonical& operator=(const Canonical&) = delete;
  ~Canonical() = default;

  const std::string& text() const { return text_; }
  const json::Tape& tape() const { return tape_; }
  json::Value root() const { return tape_.root(); }

  bool operator==(const Canonical& other) const { return text_ == other.text_; }

 private:
  Canonical() = default;

  std::string text_;
  json::Tape tape_;
};

}  // namespace troupe::state
