#include "state/diff.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <compare>
#include <span>

namespace troupe::state {

using json::Kind;

std::string_view Differ::diff(const Canonical& before, const Canonical& after) {
  patch_ = "[";
  if (before.text() != after.text()) {
    old_ = &before.tape();
    new_ = &after.tape();
    path_.clear();
    alignment_work_left_ = alignment_work_max;
    looked_bytes_left_ =
        std::max(looks_max * (before.text().size() + after.text().size()), looked_bytes_min);
    change(0, 0);
  }
  patch_ += ']';
  return patch_;
}

bool Differ::equal(std::uint32_t old_node, std::uint32_t new_node) const {
  return old_->raw(old_->nodes[old_node]) == new_->raw(new_->nodes[new_node]);
}

void Differ::change(std::uint32_t old_node, std::uint32_t new_node) {
  constexpr std::string_view replacement = R"(,{"op":"replace","path":"","value":})";
  const Kind kind = old_->nodes[old_node].kind;
  if (kind == new_->nodes[new_node].kind && (kind == Kind::object || kind == Kind::array)) {
    const std::size_t new_bytes = new_->raw(new_->nodes[new_node]).size();
    const std::size_t bytes = old_->raw(old_->nodes[old_node]).size() + new_bytes;
    if (bytes > looked_bytes_left_) return replace(new_node);
    looked_bytes_left_ -= bytes;

    const std::size_t size = patch_.size();
    const std::size_t comma = patch_.back() == '[' ? 0 : 1;
    const std::size_t size_max = size + replacement.size() - 1 + comma + path_.size() + new_bytes;
    const bool short_enough = kind == Kind::object ? object(old_node, new_node, size_max)
                                                   : array(old_node, new_node, size_max);
    if (short_enough) return;
    patch_.resize(size);
  }
  replace(new_node);
}

bool Differ::object(std::uint32_t old_node, std::uint32_t new_node, std::size_t size_max) {
  const std::size_t path_size = path_.size();
  const std::uint32_t old_end = old_->nodes[old_node].next;
  const std::uint32_t new_end = new_->nodes[new_node].next;
  std::uint32_t x = old_node + 1;
  std::uint32_t y = new_node + 1;
  while (x < old_end || y < new_end) {
    // Names are in order on both sides: the smaller one is in one of them alone.
    auto order = std::strong_ordering::equal;
    if (x == old_end) {
      order = std::strong_ordering::greater;
    } else if (y == new_end) {
      order = std::strong_ordering::less;
    } else if (!equal(x, y)) {
      order = json::compare_strings(*old_, old_->nodes[x], *new_, new_->nodes[y]);
    }
    if (order != 0 || !equal(x + 1, y + 1)) {
      push_name(order > 0 ? *new_ : *old_, order > 0 ? y : x);
      if (order < 0) {
        remove();
      } else if (order > 0) {
        add(y + 1);
      } else {
        change(x + 1, y + 1);
      }
      path_.resize(path_size);
      if (patch_.size() > size_max) return false;
    }
    if (order <= 0) x = old_->nodes[x + 1].next;
    if (order >= 0) y = new_->nodes[y + 1].next;
  }
  return true;
}

bool Differ::array(std::uint32_t old_node, std::uint32_t new_node, std::size_t size_max) {
  const std::uint32_t old_end = old_->nodes[old_node].next;
  const std::uint32_t new_end = new_->nodes[new_node].next;
  std::uint32_t x = old_node + 1;
  std::uint32_t y = new_node + 1;
  std::uint32_t start = 0;
  for (; x < old_end && y < new_end && equal(x, y); ++start) {
    x = old_->nodes[x].next;
    y = new_->nodes[y].next;
  }

  // The elements between the equal ends, of the old array and then of the new.
  const std::size_t first_old = nodes_.size();
  for (; x < old_end; x = old_->nodes[x].next) nodes_.push_back(x);
  const std::size_t first_new = nodes_.size();
  for (; y < new_end; y = new_->nodes[y].next) nodes_.push_back(y);
  auto old_count = static_cast<std::uint32_t>(first_new - first_old);
  auto new_count = static_cast<std::uint32_t>(nodes_.size() - first_new);
  while (old_count > 0 && new_count > 0 &&
         equal(nodes_[first_old + old_count - 1], nodes_[first_new + new_count - 1])) {
    --old_count;
    --new_count;
  }

  const std::size_t first_step = steps_.size();
  find_steps(first_old, old_count, first_new, new_count);
  const std::size_t end_step = steps_.size();
  const std::size_t path_size = path_.size();
  for (std::size_t s = first_step; s < end_step && patch_.size() <= size_max; ++s) {
    const Step step = steps_[s];
    if (step.kind == Step::Kind::move) {
      move(start + step.index, start + step.to);
      continue;
    }
    push_index(start + step.index);
    switch (step.kind) {
      case Step::Kind::remove:
        remove();
        break;
      case Step::Kind::add:
        add(nodes_[first_new + step.after]);
        break;
      default:
        change(nodes_[first_old + step.before], nodes_[first_new + step.after]);
    }
    path_.resize(path_size);
  }
  nodes_.resize(first_old);
  steps_.resize(first_step);
  return patch_.size() <= size_max;
}

void Differ::find_steps(std::size_t first_old,
                        std::uint32_t old_count,
                        std::size_t first_new,
                        std::uint32_t new_count) {
  const bool something_to_align =
      old_count > 0 && new_count > 0 && (old_count > 1 || new_count > 1);
  if (something_to_align) {
    texts_.clear();
    for (std::uint32_t i = 0; i < old_count; ++i) {
      texts_.push_back(old_->raw(old_->nodes[nodes_[first_old + i]]));
    }
    for (std::uint32_t i = 0; i < new_count; ++i) {
      texts_.push_back(new_->raw(new_->nodes[nodes_[first_new + i]]));
    }
    const std::span<const std::string_view> texts(texts_);
    if (aligner_.align(
            texts.first(old_count), texts.last(new_count), steps_, alignment_work_left_)) {
      return;
    }
  }

  // Position by position; what is too many goes from the end, what is missing comes to the end.
  const std::uint32_t both = std::min(old_count, new_count);
  for (std::uint32_t i = 0; i < both; ++i) {
    if (equal(nodes_[first_old + i], nodes_[first_new + i])) continue;
    steps_.push_back({.kind = Step::Kind::change, .index = i, .to = 0, .before = i, .after = i});
  }
  for (std::uint32_t i = old_count; i > both; --i) {
    steps_.push_back({.kind = Step::Kind::remove, .index = i - 1});
  }
  for (std::uint32_t i = both; i < new_count; ++i) {
    steps_.push_back({.kind = Step::Kind::add, .index = i, .to = 0, .before = 0, .after = i});
  }
}

// Every operation begins with a comma, which the first one leaves out.
void Differ::open(std::string_view beginning) {
  if (patch_.back() == '[') beginning.remove_prefix(1);
  patch_ += beginning;
  patch_ += path_;
}

void Differ::remove() {
  open(R"(,{"op":"remove","path":")");
  patch_ += R"("})";
}

void Differ::add(std::uint32_t new_node) {
  open(R"(,{"op":"add","path":")");
  close_with_value(new_node);
}

void Differ::replace(std::uint32_t new_node) {
  open(R"(,{"op":"replace","path":")");
  close_with_value(new_node);
}

void Differ::close_with_value(std::uint32_t new_node) {
  patch_ += R"(","value":)";
  patch_ += new_->raw(new_->nodes[new_node]);
  patch_ += '}';
}

void Differ::move(std::uint32_t from, std::uint32_t to) {
  const std::size_t path_size = path_.size();
  push_index(from);
  open(R"(,{"op":"move","from":")");
  path_.resize(path_size);
  push_index(to);
  patch_ += R"(","path":")";
  patch_ += path_;
  patch_ += R"("})";
  path_.resize(path_size);
}

// In canonical text neither ~ nor / is part of an escape, so the name's own text can be taken.
void Differ::push_name(const json::Tape& tape, std::uint32_t name) {
  path_ += '/';
  for (char c : tape.inside(tape.nodes[name])) {
    if (c == '~') {
      path_ += "~0";
    } else if (c == '/') {
      path_ += "~1";
    } else {
      path_ += c;
    }
  }
}

void Differ::push_index(std::uint32_t index) {
  std::array<char, 10> digits{};
  auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), index);
  path_ += '/';
  path_.append(digits.data(), end);
}

}  // namespace troupe::state
