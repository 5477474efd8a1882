// What the writer does between commits, a little at a time: pruning, forgetting, SQLite's own log.
#include "journal/sqlite_writer.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace troupe::journal {

namespace {

// Of one transaction: appends that come meanwhile wait for it.
constexpr std::int64_t batches_at_once = 16;
constexpr int free_pages_at_once = 256;
// Actors whose bases are remembered while pruning.
constexpr std::size_t bases_max = 100'000;

}  // namespace

Result<> Writer::in_transaction(const std::function<Result<>()>& work) {
  TRY_VOID(begin_.run());
  auto worked = work();
  if (worked.has_value()) {
    worked = commit_.run();
    if (worked.has_value()) return worked;
  }
  if (sqlite3_get_autocommit(store_.database().get()) == 0) static_cast<void>(rollback_.run());
  log_->forget();
  return worked;
}

// True when there is more to do.
bool Writer::do_upkeep() {
  {
    const std::lock_guard lock(mutex_);
    for (Forgetting& one : forget_asked_) forgetting_.push_back(std::move(one));
    forget_asked_.clear();
    const bool is_due = !options_.retention.forever && clock_.now_ns() >= next_prune_ns_ &&
                        !health_.refusing && !overtaken_;
    if (!pruning_ && (is_due || !prune_asked_.empty())) {
      pruning_ = Pruning{};
      pruning_->replies.swap(prune_asked_);
    }
  }
  if (pruning_ && pruning_->cutoff_ns == 0) begin_pruning();
  if (pruning_ && prune_some()) return true;
  return !forgetting_.empty() && forget_some();
}

bool Writer::checkpoint_log(int mode) {
  int pages = 0;
  int done = 0;
  const int code = sqlite3_wal_checkpoint_v2(store_.database().get(), nullptr, mode, &pages, &done);
  if (code != SQLITE_OK) return false;
  if (mode == SQLITE_CHECKPOINT_TRUNCATE) wal_pages_ = 0;
  return pages == done;
}

Result<> Writer::write_removed() {
  const std::string column = encode(removed_);
  return update_removed_.bind_blob(1, column).run();
}

// Keeps the entries of a batch that are wanted; gives how many were not. Unchecked, one that is
// damaged is like the others, and kept when it cannot be told whose it is.
Result<std::uint64_t> Writer::rewrite(std::uint64_t id,
                                      std::string_view entries,
                                      const std::function<bool(const Glance&)>& wanted,
                                      BatchReader::Sums sums) {
  std::string kept(1, batch_head);
  std::uint64_t count = 0;
  BatchReader reader(entries, id);
  Framed framed;
  while (true) {
    TRY(const bool more, reader.next(framed, sums));
    if (!more) break;
    const Result<Glance> seen = glance(framed.content);
    if (seen.has_error() && sums == BatchReader::Sums::checked) return seen.error();
    if (seen.has_error() || wanted(*seen)) {
      kept += framed.bytes;
    } else {
      ++count;
      ++removed_[partition_of(seen->address)];
    }
  }
  if (count == 0) return count;
  if (kept.size() == 1) {
    TRY_VOID(delete_batch_.bind(1, to_column(id)).run());
  } else {
    TRY_VOID(update_batch_.bind(1, to_column(id)).bind_blob(2, kept).run());
  }
  return count;
}

// ---- pruning

void Writer::begin_pruning() {
  const std::int64_t now_ns = clock_.now_ns();
  pruning_->cutoff_ns =
      now_ns - std::chrono::duration_cast<std::chrono::nanoseconds>(options_.retention.age).count();
  next_prune_ns_ = now_ns + std::chrono::nanoseconds(options_.retention.every).count();
}

bool Writer::prune_some() {
  const Counts removed = removed_;
  bool more = false;
  const auto pruned = in_transaction([&]() -> Result<> {
    TRY(more, prune_batches(*pruning_));
    return removed_ == removed ? Result<>() : write_removed();
  });
  log_is_done_ = false;
  if (pruned.has_error()) removed_ = removed;
  if (pruned.has_value() && more) return true;
  end_pruning(pruned);
  return false;
}

void Writer::end_pruning(const Result<>& how) {
  const Pruning done = std::move(*pruning_);
  pruning_.reset();
  {
    const std::lock_guard lock(mutex_);
    counters_.pruned += done.removed;
    if (how.has_error()) ++counters_.failures;
  }
  for (const auto& reply : done.replies) {
    if (how.has_error()) {
      reply(how.error());
    } else {
      reply(done.removed);
    }
  }
}

// False when the rest is to be kept.
Result<bool> Writer::prune_batches(Pruning& pruning) {
  std::vector<std::pair<std::uint64_t, std::string>> batches;
  next_batches_.bind(1, to_column(pruning.next_batch))
      .bind(2, to_column(indexed_batch_))
      .bind(3, batches_at_once);
  while (true) {
    TRY(const bool row, next_batches_.step());
    if (!row) break;
    batches.emplace_back(from_column(next_batches_.number(0)), next_batches_.bytes(1));
  }
  for (const auto& [id, entries] : batches) {
    std::vector<std::string> ended;  // their tombstones are here and go with the rest
    bool has_old = false;
    Error wrong;
    TRY(const std::uint64_t count, rewrite(id, entries, [&](const Glance& seen) {
          if (seen.time_ns > pruning.cutoff_ns || !wrong.message.empty()) return true;
          has_old = true;
          const auto base = base_of(pruning, seen.address);
          if (base.has_error()) {
            wrong = base.error();
            return true;
          }
          if (seen.number > *base) return true;
          if (seen.kind == Kind::end) ended.emplace_back(seen.address);
          return false;
        }));
    if (!wrong.message.empty()) return wrong;
    pruning.removed += count;
    for (const std::string& address : ended) {
      // A new life may have begun, which the index knows of, or the table does.
      if (index_.find(address)) continue;
      TRY(const auto position, store_.position(address));
      if (position && position->ended && position->batch == id) {
        TRY_VOID(delete_actor_.bind(1, std::string_view(address)).run());
      }
    }
    pruning.next_batch = id;
    if (!has_old) return false;
  }
  return batches.size() == static_cast<std::size_t>(batches_at_once);
}

// The number up to which the actor's entries go, 0 for none; with them go older checkpoints.
Result<std::uint64_t> Writer::base_of(Pruning& pruning, std::string_view address) {
  if (const auto known = pruning.bases.find(address); known != pruning.bases.end()) {
    return known->second;
  }
  if (pruning.bases.size() == bases_max) pruning.bases.clear();
  TRY(const auto position, position_of(address));
  std::uint64_t base = 0;
  std::uint64_t checkpoints_below = 0;
  if (position && position->ended) {
    TRY(const Entry tombstone,
        store_.entry(std::string(address), position->batch, position->number));
    if (tombstone.record.time_ns <= pruning.cutoff_ns) {
      base = position->number;
      checkpoints_below = base + 1;
    }
  } else if (position) {
    const std::uint32_t kept = std::max<std::uint32_t>(options_.retention.checkpoints, 1);
    const Resetting resetting(base_);
    TRY(const bool row,
        base_.bind(1, address).bind(2, std::int64_t{kept} - 1).bind(3, pruning.cutoff_ns).step());
    if (row) checkpoints_below = base = from_column(base_.number(0));
  }
  if (base != 0) {
    TRY_VOID(set_first_.bind(1, address).bind(2, to_column(base + 1)).run());
    TRY_VOID(delete_checkpoints_.bind(1, address).bind(2, to_column(checkpoints_below)).run());
  }
  pruning.bases.emplace(address, base);
  return base;
}

// ---- forgetting

bool Writer::forget_some() {
  Forgetting& forgetting = forgetting_.front();
  const Counts removed = removed_;
  log_is_done_ = false;
  bool more = true;
  auto worked = [&]() -> Result<> {
    if (!forgetting.begun) {
      TRY_VOID(in_transaction([&] { return begin_forgetting(forgetting); }));
      forgetting.begun = true;
      return {};
    }
    if (!forgetting.batches.empty()) {
      std::vector<std::uint64_t> before = forgetting.batches;
      auto forgotten = in_transaction([&] { return forget_batches(forgetting); });
      if (forgotten.has_error()) forgetting.batches = std::move(before);
      return forgotten;
    }
    TRY(more, free_pages());
    if (more) return {};
    // SQLite's log has copies of the pages as they were.
    if (!checkpoint_log(SQLITE_CHECKPOINT_TRUNCATE)) {
      return Error{fmt::format(
          "{} is forgotten, but the write-ahead log could not be emptied, as another process reads "
          "the journal: its pages go when the server next ends",
          forgetting.address)};
    }
    return {};
  }();
  if (worked.has_error()) removed_ = removed;
  if (worked.has_value() && more) return true;
  const Journal::Reply<void> reply = std::move(forgetting.reply);
  forgetting_.pop_front();
  reply(std::move(worked));
  return !forgetting_.empty();
}

Result<> Writer::begin_forgetting(Forgetting& forgetting) {
  const std::string_view address = forgetting.address;
  TRY(const auto position, position_of(address));
  if (!position) return Error{fmt::format("the journal does not know {}", address)};
  if (!position->ended) return Error{fmt::format("{} still lives: delete it first", address)};
  forgetting.number = position->number;
  TRY(forgetting.batches, store_.batches_of(forgetting.address, *position));
  // From here on nothing of it is missed when it is gone.
  TRY_VOID(settle_.bind(1, address)
               .bind(2, to_column(position->batch))
               .bind(3, to_column(position->number))
               .bind(4, to_column(position->incarnation))
               .bind(5, to_column(position->turn))
               .bind(6, std::int64_t{1})
               .run());
  TRY_VOID(set_first_.bind(1, address).bind(2, to_column(position->number + 1)).run());
  TRY_VOID(delete_checkpoints_.bind(1, address).bind(2, to_column(position->number + 1)).run());
  TRY_VOID(clear_timers_.bind(1, address).run());
  TRY_VOID(clear_topics_.bind(1, address).run());
  return clear_outbox_.bind(1, address).run();
}

// The oldest first, and with the last of them the actor's row.
Result<> Writer::forget_batches(Forgetting& forgetting) {
  const std::string& address = forgetting.address;
  for (std::int64_t count = 0; count < batches_at_once && !forgetting.batches.empty(); ++count) {
    const std::uint64_t id = forgetting.batches.back();
    TRY(const auto found, store_.batch(id));
    if (found) {
      const std::string entries(*found);
      TRY_VOID(rewrite(
          id,
          entries,
          [&](const Glance& seen) {
            return seen.address != address || seen.number > forgetting.number;
          },
          BatchReader::Sums::unchecked));
    }
    forgetting.batches.pop_back();
  }
  store_.release();
  TRY_VOID(write_removed());
  if (!forgetting.batches.empty()) return {};
  TRY(const auto position, position_of(address));
  if (!position || position->number != forgetting.number) return {};  // it has begun to live again
  index_.forget(address);
  return delete_actor_.bind(1, std::string_view(address)).run();
}

// Gives pages back that hold nothing; true when there are more.
Result<bool> Writer::free_pages() {
  TRY(const std::int64_t before, store_.database().number("PRAGMA freelist_count"));
  if (before == 0) return false;
  TRY_VOID(store_.database().run(fmt::format("PRAGMA incremental_vacuum({})", free_pages_at_once)));
  TRY(const std::int64_t after, store_.database().number("PRAGMA freelist_count"));
  return after != 0 && after < before;
}

}  // namespace troupe::journal
