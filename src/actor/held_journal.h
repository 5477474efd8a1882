// A journal for the tests of actors that commits when the test says so, or fails.
#pragma once

#include "journal/journal.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace troupe::actor::test {

using journal::Beside;
using journal::Changes;
using journal::Entry;
using journal::Kind;
using journal::Past;
using journal::Record;
using journal::Subject;
using journal::Ticket;

// Everything in memory, and nothing durable before commit(). Called on the test's thread.
class HeldJournal final : public journal::Journal {
 public:
  // What has been appended and not committed, of all appenders.
  std::size_t waiting() const {
    std::size_t count = 0;
    for (const HeldAppender* each : appenders_) count += each->waiting.size();
    return count;
  }
  void commit() {
    for (HeldAppender* each : appenders_) each->commit();
  }
  void fail() {
    refusing = true;
    for (HeldAppender* each : appenders_) each->fail();
  }

  // The servers that append to it are gone, and what was not committed with them.
  void crash() { appenders_.clear(); }

  bool refusing = false;
  std::size_t flushes = 0;
  std::map<std::string, std::vector<Entry>, std::less<>> entries;
  std::map<std::string, journal::Checkpoint, std::less<>> checkpoints;
  std::vector<journal::Outgoing> on_their_way;
  std::set<std::string> damaged;  // actors that cannot be loaded

  std::unique_ptr<journal::Appender> appender(journal::Committed& committed) override {
    return std::make_unique<HeldAppender>(*this, committed);
  }
  void load(std::string address,
            std::optional<journal::At> at,
            Reply<std::optional<Past>> reply) override {
    if (damaged.contains(address)) return reply(Error{"it is damaged"});
    const auto found = entries.find(address);
    if (found == entries.end()) {
      reply(std::optional<Past>());
      return;
    }
    std::vector<Entry> all = found->second;
    const auto number = [&](const Entry& entry) {
      return at->kind == journal::At::Kind::entry ? entry.subject.number : entry.record.turn;
    };
    while (at && !all.empty() && number(all.back()) != at->number) all.pop_back();
    const Entry& last = all.back();
    Past past{.last = last.subject,
              .turn = last.record.turn,
              .last_time_ns = last.record.last_time_ns,
              .ended = last.record.kind == Kind::end,
              .sent = last.changes.sent};
    std::uint64_t from = 0;
    if (const auto kept = checkpoints.find(address);
        kept != checkpoints.end() && kept->second.subject.number <= last.subject.number) {
      past.checkpoint = kept->second;
      from = kept->second.subject.number;
    }
    for (const Entry& entry : all) {
      if (entry.subject.incarnation != last.subject.incarnation) continue;
      if (entry.subject.number > from && entry.record.committed) past.entries.push_back(entry);
      std::vector<journal::Timer>& timers = past.timers;
      const auto drop = [&](const std::string& name) {
        std::erase_if(timers, [&](const journal::Timer& timer) { return timer.name == name; });
      };
      for (const std::string& name : entry.changes.timers_cancelled) drop(name);
      for (const journal::Timer& timer : entry.changes.timers_set) {
        drop(timer.name);
        timers.push_back(timer);
      }
      for (const std::string& topic : entry.changes.topics_joined) past.topics.push_back(topic);
    }
    reply(std::optional(std::move(past)));
  }
  void history(std::string address,
               std::uint64_t from,
               std::size_t limit,
               Reply<std::vector<Entry>> reply) override {
    std::vector<Entry> newest_first;
    const std::vector<Entry>& all = entries[address];
    for (auto each = all.rbegin(); each != all.rend() && newest_first.size() < limit; ++each) {
      if (from == 0 || each->subject.number <= from) newest_first.push_back(*each);
    }
    reply(std::move(newest_first));
  }
  void list(std::string prefix,
            std::string after,
            std::size_t limit,
            Reply<std::vector<journal::ActorLine>> reply) override {
    std::vector<journal::ActorLine> lines;
    for (const auto& [address, all] : entries) {
      if (!address.starts_with(prefix) || address <= after || lines.size() == limit) continue;
      const Entry& last = all.back();
      lines.push_back({address,
                       last.subject.incarnation,
                       last.record.turn,
                       last.subject.number,
                       last.record.kind == Kind::end});
    }
    reply(std::move(lines));
  }
  void timers(std::int64_t,
              journal::Alarm,
              std::size_t,
              Reply<std::vector<journal::Alarm>> reply) override {
    reply(std::vector<journal::Alarm>());
  }
  // Nobody leaves a topic here.
  void subscriptions(journal::Subscription after,
                     std::size_t,
                     Reply<std::vector<journal::Subscription>> reply) override {
    std::vector<journal::Subscription> all;
    for (const auto& [address, of] : entries) {
      for (const Entry& entry : of) {
        for (const std::string& topic : entry.changes.topics_joined) {
          if (after.topic.empty()) all.push_back({topic, address});
        }
      }
    }
    reply(std::move(all));
  }
  void outbox(journal::Outgoing after,
              std::size_t limit,
              Reply<std::vector<journal::Outgoing>> reply) override {
    const auto found = std::ranges::find(on_their_way, after);
    const auto begin = found == on_their_way.end() ? on_their_way.begin() : found + 1;
    const auto left = static_cast<std::size_t>(on_their_way.end() - begin);
    reply(std::vector(begin, begin + static_cast<std::ptrdiff_t>(std::min(left, limit))));
  }
  void forget(std::string, Reply<void> reply) override { reply(Error{"not here"}); }
  void prune(Reply<std::uint64_t> reply) override { reply(Error{"not here"}); }
  journal::Health health() const override { return {.refusing = refusing, .why = "the test"}; }
  journal::Counters counters() const override { return {}; }

 private:
  struct Waiting {
    Entry entry;
    std::optional<journal::Checkpoint> checkpoint;
    std::vector<journal::Outgoing> sent;
    std::vector<journal::Outgoing> received;
  };

  void take_out(const std::vector<journal::Outgoing>& received) {
    for (const journal::Outgoing& one : received) {
      std::erase_if(on_their_way, [&](const journal::Outgoing& other) {
        return other.sender == one.sender && other.incarnation == one.incarnation &&
               other.number == one.number;
      });
    }
  }

  class HeldAppender final : public journal::Appender {
   public:
    HeldAppender(HeldJournal& journal, journal::Committed& committed)
        : journal_(journal), committed_(committed) {
      journal_.appenders_.push_back(this);
    }
    HeldAppender(const HeldAppender&) = delete;
    HeldAppender& operator=(const HeldAppender&) = delete;
    ~HeldAppender() override { std::erase(journal_.appenders_, this); }

    void claim(std::uint8_t) override {}
    journal::Appended append(const journal::SubjectView& subject,
                             const Record& record,
                             const Changes& changes,
                             const Beside& beside) override {
      if (failed_) return {.refusal = journal::Refusal::failed};
      if (journal_.refusing) return {.refusal = journal::Refusal::refusing};
      waiting.push_back(
          {{{std::string(subject.address), subject.incarnation, subject.number},
            1,
            record,
            changes,
            beside.checkpoint != nullptr},
           beside.checkpoint == nullptr ? std::optional<journal::Checkpoint>() : *beside.checkpoint,
           beside.sent,
           beside.received});
      return {.ticket = ++last_};
    }
    void flush() override {
      if (flushed_ != waiting.size()) ++journal_.flushes;
      flushed_ = waiting.size();
    }
    bool keep(journal::Checkpoint checkpoint) override {
      kept_.push_back(std::move(checkpoint));
      return true;
    }
    bool drop(std::vector<journal::Outgoing> delivered) override {
      journal_.take_out(delivered);
      return true;
    }
    void recover() override { failed_ = false; }

    void commit() {
      ASSERT_EQ(flushed_, waiting.size()) << "nothing stays behind";
      flushed_ = 0;
      for (Waiting& one : std::exchange(waiting, {})) {
        std::vector<Entry>& entries = journal_.entries[one.entry.subject.address];
        ASSERT_EQ(one.entry.subject.number, entries.size() + 1);
        journal_.on_their_way.insert(journal_.on_their_way.end(), one.sent.begin(), one.sent.end());
        journal_.take_out(one.received);
        if (one.checkpoint) journal_.checkpoints[one.entry.subject.address] = *one.checkpoint;
        entries.push_back(std::move(one.entry));
      }
      for (journal::Checkpoint& one : std::exchange(kept_, {})) {
        const std::string address = one.subject.address;
        journal_.checkpoints.insert_or_assign(address, std::move(one));
      }
      committed_.committed(last_);
    }
    void fail() {
      failed_ = true;
      flushed_ = 0;
      waiting.clear();
      kept_.clear();
      committed_.failed(Error{"the test says so"});
    }

    std::deque<Waiting> waiting;

   private:
    HeldJournal& journal_;
    journal::Committed& committed_;
    std::vector<journal::Checkpoint> kept_;
    std::size_t flushed_ = 0;  // of those that wait
    Ticket last_ = 0;
    bool failed_ = false;
  };

  std::vector<HeldAppender*> appenders_;
};

// The journal is there before the actors.
struct HasJournal {
  HeldJournal journal;
};

}  // namespace troupe::actor::test
