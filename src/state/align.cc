#include "state/align.h"

#include <algorithm>
#include <cassert>
#include <cstdlib>

namespace troupe::state {
namespace {

// What a comparison for similarity takes of the allowance.
constexpr std::size_t similar_pair_work = 16;

// How many bytes two texts have in common at their ends.
std::uint32_t similarity(std::string_view a, std::string_view b) {
  const std::size_t most = std::min({a.size(), b.size(), similar_bytes_max});
  std::size_t front = 0;
  while (front < most && a[front] == b[front]) ++front;
  std::size_t back = 0;
  while (back < most - front && a[a.size() - 1 - back] == b[b.size() - 1 - back]) ++back;
  return static_cast<std::uint32_t>(front + back);
}

}  // namespace

bool Aligner::align(Elements before,
                    Elements after,
                    std::vector<Step>& steps,
                    std::uint32_t& allowance) {
  removed_.clear();
  added_.clear();
  gaps_.clear();
  slots_.clear();
  if (!search(before, after, allowance) || !gather_gaps(before, after)) return false;
  find_moves(before, after);
  for (const Gap& gap : gaps_) {
    find_changes(before, after, gap, allowance);
    place(gap);
  }
  write(steps);
  return true;
}

// Myers' greedy search. Row d of reach_ holds, for each diagonal k = -d, -d+2, ... d, how many old
// elements are behind us after d removals and additions of which k more were removals.
bool Aligner::search(Elements before, Elements after, std::uint32_t& allowance) {
  const auto n = static_cast<std::int32_t>(before.size());
  const auto m = static_cast<std::int32_t>(after.size());
  if (std::abs(n - m) > static_cast<std::int32_t>(aligned_edits_max)) return false;

  hashes_.clear();
  for (std::string_view text : before) hashes_.push_back(hash_(text));
  for (std::string_view text : after) hashes_.push_back(hash_(text));
  const std::uint64_t* old_hash = hashes_.data();
  const std::uint64_t* new_hash = hashes_.data() + n;

  constexpr std::int32_t outside = -1;
  auto row = [](std::int32_t d) { return static_cast<std::size_t>(d) * (d + 1) / 2; };
  auto reach = [&](std::int32_t d, std::int32_t k) -> std::int32_t& {
    return reach_[row(d) + static_cast<std::size_t>((k + d) / 2)];
  };
  // Where diagonal k is entered in row d, by a removal or by an addition.
  struct Entry {
    std::int32_t x;
    bool removal;
  };
  auto enter = [&](std::int32_t d, std::int32_t k) -> Entry {
    std::int32_t by_removal = outside;
    if (k > -d && reach(d - 1, k - 1) != outside && reach(d - 1, k - 1) < n) {
      by_removal = reach(d - 1, k - 1) + 1;
    }
    std::int32_t by_addition = outside;
    if (k < d && reach(d - 1, k + 1) != outside && reach(d - 1, k + 1) - k <= m) {
      by_addition = reach(d - 1, k + 1);
    }
    return {std::max(by_removal, by_addition), by_removal >= by_addition};
  };

  auto work = [&](std::uint32_t pairs) {
    allowance -= std::min(allowance, pairs);
    return allowance > 0;
  };
  std::int32_t d = 0;
  for (bool found = false; !found; ++d) {
    if (d > static_cast<std::int32_t>(aligned_edits_max)) return false;
    reach_.resize(row(d + 1));
    for (std::int32_t k = -d; k <= d && !found; k += 2) {
      std::int32_t x = d == 0 ? 0 : enter(d, k).x;
      if (x != outside) {
        const std::int32_t from = x;
        while (x < n && x - k < m && old_hash[x] == new_hash[x - k]) ++x;
        if (!work(static_cast<std::uint32_t>(x - from))) return false;
        found = x == n && x - k == m;
      }
      reach(d, k) = x;
      if (!work(1)) return false;
    }
  }

  // Back along the path that was found.
  std::int32_t k = n - m;
  for (--d; d > 0; --d) {
    auto [x, removal] = enter(d, k);
    auto position = static_cast<std::uint32_t>(removal ? x - 1 : x - k - 1);
    (removal ? removed_ : added_).push_back(Lone{.position = position});
    k += removal ? -1 : 1;
  }
  std::reverse(removed_.begin(), removed_.end());
  std::reverse(added_.begin(), added_.end());
  return true;
}

// Says false when elements that were to stay are not equal: two texts had the same hash.
bool Aligner::gather_gaps(Elements before, Elements after) {
  std::uint32_t i = 0;
  std::uint32_t j = 0;
  std::uint32_t removed = 0;
  std::uint32_t added = 0;
  for (std::uint32_t staying = 0;; ++staying) {
    Gap gap{.staying_before = staying, .removed_first = removed, .added_first = added};
    for (; removed < removed_.size() && removed_[removed].position == i; ++removed, ++i) {
      removed_[removed].gap = static_cast<std::uint32_t>(gaps_.size());
    }
    for (; added < added_.size() && added_[added].position == j; ++added, ++j) {
      added_[added].gap = static_cast<std::uint32_t>(gaps_.size());
    }
    gap.removed_end = removed;
    gap.added_end = added;
    gap.surplus =
        static_cast<int>(removed - gap.removed_first) - static_cast<int>(added - gap.added_first);
    if (removed != gap.removed_first || added != gap.added_first) gaps_.push_back(gap);
    if (i == before.size()) break;
    if (before[i++] != after[j++]) return false;
  }
  assert(j == after.size() && "both arrays have the same staying elements");
  return true;
}

void Aligner::find_moves(Elements before, Elements after) {
  const std::uint64_t* new_hash = hashes_.data() + before.size();
  for (std::uint32_t r = 0; r < removed_.size(); ++r) {
    Lone& from = removed_[r];
    std::string_view text = before[from.position];
    for (std::uint32_t a = 0; a < added_.size(); ++a) {
      Lone& to = added_[a];
      if (to.moved || hashes_[from.position] != new_hash[to.position]) continue;
      int& surplus_from = gaps_[from.gap].surplus;
      int& surplus_to = gaps_[to.gap].surplus;
      if (text.size() < moved_bytes_min && !(surplus_from > 0 && surplus_to < 0)) continue;
      if (text != after[to.position]) continue;
      from.moved = to.moved = true;
      from.partner = a;
      to.partner = r;
      --surplus_from;
      ++surplus_to;
      break;
    }
  }
}

void Aligner::find_changes(Elements before,
                           Elements after,
                           const Gap& gap,
                           std::uint32_t& allowance) {
  free_removed_.clear();
  free_added_.clear();
  for (std::uint32_t r = gap.removed_first; r < gap.removed_end; ++r) {
    if (!removed_[r].moved) free_removed_.push_back(r);
  }
  for (std::uint32_t a = gap.added_first; a < gap.added_end; ++a) {
    if (!added_[a].moved) free_added_.push_back(a);
  }
  auto pair = [&](std::uint32_t r, std::uint32_t a) {
    removed_[r].partner = a;
    added_[a].partner = r;
  };

  const bool fewer_removed = free_removed_.size() < free_added_.size();
  const std::vector<std::uint32_t>& fewer = fewer_removed ? free_removed_ : free_added_;
  const std::vector<std::uint32_t>& more = fewer_removed ? free_added_ : free_removed_;
  const std::size_t pairs = fewer.size() * more.size();
  if (fewer.size() == more.size() || pairs > similar_pairs_max ||
      pairs * similar_pair_work > allowance) {
    for (std::size_t i = 0; i < fewer.size(); ++i) pair(free_removed_[i], free_added_[i]);
    return;
  }

  allowance -= static_cast<std::uint32_t>(pairs * similar_pair_work);
  // score(i, j): the best sum of similarities when the first i of the fewer all have a partner
  // among the first j of the more, in order.
  const std::size_t width = more.size() + 1;
  score_.assign((fewer.size() + 1) * width, 0);
  auto score = [&](std::size_t i, std::size_t j) -> std::uint32_t& {
    return score_[i * width + j];
  };
  for (std::size_t i = 1; i <= fewer.size(); ++i) {
    for (std::size_t j = i; j < width; ++j) {
      std::uint32_t r = fewer_removed ? fewer[i - 1] : more[j - 1];
      std::uint32_t a = fewer_removed ? more[j - 1] : fewer[i - 1];
      std::uint32_t paired =
          score(i - 1, j - 1) + similarity(before[removed_[r].position], after[added_[a].position]);
      score(i, j) = j == i ? paired : std::max(paired, score(i, j - 1));
    }
  }
  std::size_t j = more.size();
  for (std::size_t i = fewer.size(); i > 0; --i, --j) {
    while (j > i && score(i, j) == score(i, j - 1)) --j;
    pair(fewer_removed ? fewer[i - 1] : more[j - 1], fewer_removed ? more[j - 1] : fewer[i - 1]);
  }
}

// Merges the gap's elements: partners of a change share a slot, and both orders are kept.
void Aligner::place(const Gap& gap) {
  auto changes = [](const Lone& lone) { return lone.partner != none && !lone.moved; };
  auto slot = [&](Step::Kind kind, bool arrives, std::uint32_t r, std::uint32_t a) {
    slots_.push_back(Slot{.kind = kind,
                          .arrives = arrives,
                          .present = kind != Step::Kind::add && !arrives,
                          .staying_before = gap.staying_before,
                          .partner = none,
                          .before = r == none ? 0 : removed_[r].position,
                          .after = a == none ? 0 : added_[a].position});
    return static_cast<std::uint32_t>(slots_.size() - 1);
  };
  std::uint32_t r = gap.removed_first;
  std::uint32_t a = gap.added_first;
  while (r < gap.removed_end || a < gap.added_end) {
    if (r < gap.removed_end && !changes(removed_[r])) {
      Lone& lone = removed_[r];
      lone.slot = slot(lone.moved ? Step::Kind::move : Step::Kind::remove, false, r, lone.partner);
      ++r;
    } else if (a < gap.added_end && !changes(added_[a])) {
      Lone& lone = added_[a];
      lone.slot =
          slot(lone.moved ? Step::Kind::move : Step::Kind::add, lone.moved, lone.partner, a);
      ++a;
    } else {
      assert(removed_[r].partner == a &&
             "partners of changes come in the same order on both sides");
      slot(Step::Kind::change, false, r, a);
      ++r;
      ++a;
    }
  }
}

void Aligner::write(std::vector<Step>& steps) {
  for (const Lone& lone : removed_) {
    if (!lone.moved) continue;
    slots_[lone.slot].partner = added_[lone.partner].slot;
    slots_[added_[lone.partner].slot].partner = lone.slot;
  }
  // Left of the slot at hand everything is as it will be; `ready` of it are no staying elements.
  std::uint32_t ready = 0;
  for (std::size_t s = 0; s < slots_.size(); ++s) {
    Slot& slot = slots_[s];
    Step step{.kind = slot.kind,
              .index = slot.staying_before + ready,
              .to = 0,
              .before = slot.before,
              .after = slot.after};
    const bool taken = slot.kind == Step::Kind::move && slot.arrives == slot.present;
    if (slot.kind == Step::Kind::move && !taken) {
      Slot& other = slots_[slot.partner];
      std::uint32_t far = other.staying_before + ready;
      for (std::size_t between = s + 1; between < slot.partner; ++between) {
        if (slots_[between].present) ++far;
      }
      step.to = slot.arrives ? step.index : far;
      step.index = slot.arrives ? far : step.index;
      slot.present = slot.arrives;
      other.present = other.arrives;
    }
    if (!taken) steps.push_back(step);
    if (slot.kind == Step::Kind::remove) slot.present = false;
    if (slot.kind == Step::Kind::add) slot.present = true;
    if (slot.present) ++ready;
  }
}

}  // namespace troupe::state
