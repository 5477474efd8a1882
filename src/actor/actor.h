// A plugin with an address: a mailbox, a state, and an instance while it is awake.
//
// Messages are handled one at a time, each that reaches the guest a turn (actor/turn.h). Owned by
// Actors; lives on its shard; not thread-safe.
#pragma once

#include "actor/address.h"
#include "actor/audience.h"
#include "actor/gate.h"
#include "actor/history.h"
#include "actor/journaled.h"
#include "actor/mailbox.h"
#include "actor/plugin.h"
#include "actor/replay.h"
#include "actor/supervisor.h"
#include "actor/turn.h"
#include "actor/viewer.h"
#include "base/result.h"
#include "base/task.h"
#include "guest/instance.h"
#include "guest/outcome.h"
#include "guest/vars.h"
#include "journal/journal.h"
#include "journal/record.h"
#include "state/canonical.h"

#include <boost/container/flat_map.hpp>
#include <boost/container/flat_set.hpp>
#include <boost/intrusive/list.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::actor {

class Actors;
class Effects;
class System;
struct Deed;

// What ends an actor. One that belongs to a viewer ends with it, and is never in the journal. One
// that is nobody's is made to look at the past of another, gets no messages and counts nowhere.
enum class Belongs { to_itself, to_a_viewer, to_nobody };

// A timer of an actor. `due` is by the wall clock, nanoseconds since the Unix epoch.
struct Timer {
  std::string event;
  std::string payload;
  std::int64_t due_ns = 0;
  std::uint64_t generation = 0;
};

class Actor : public boost::intrusive::list_base_hook<
                  boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  using IdleList = boost::intrusive::list<Actor, boost::intrusive::constant_time_size<false>>;

  Actor(Actors& actors, Plugin& plugin, Address address, Belongs belongs);
  Actor(const Actor&) = delete;
  Actor& operator=(const Actor&) = delete;
  ~Actor();

  const Address& address() const { return address_; }
  const Plugin& plugin() const { return plugin_; }
  bool is_awake() const { return instance_ != nullptr; }
  // Of an idle one: when it was last at work, nanoseconds since the Unix epoch.
  std::int64_t idle_since_ns() const { return idle_since_ns_; }
  const std::optional<state::Canonical>& state() const { return state_; }
  enum class Detail { summary, all };
  std::string description(Detail detail = Detail::all) const;  // JSON, for operators
  // What it runs, or will run when its first message comes.
  const PluginVersion& version() const { return version_ ? *version_ : *plugin_.version; }
  // Nobody sees it, and it is nothing that its first message would not make again, or find in the
  // journal.
  bool is_forgettable() const;
  bool is_down() const { return down_for_ms() > 0; }
  // It is down, or somebody is shut out.
  bool is_punishing() const;

  // Handled at once when the actor and its shard have nothing else to do, else in order. A bounded
  // message that finds no room is answered with `busy`.
  void deliver(Message&& message);

  // The journal knows nothing of its address any more.
  void forgotten() {
    if (journaled_ && !journaled_->begun) journaled_->number = 0;
  }
  // Frees the instance; what it has in memory is kept. Not while the guest runs.
  void sleep();
  // For one that is nobody's: makes it what another was, asleep. What has no place in a description
  // is left out. Turns since the last checkpoint are repeated only where the state needs them.
  Task<Result<>> resemble(journal::Past past);
  // Turns that it has shown to nobody are not in the journal: it goes back to what is.
  void lose();
  // The timer of that name may have run out.
  void timer_is_due(const std::string& name);

 private:
  friend class Actors;
  friend class Turn;
  friend class Repetition;
  friend Pieces pieces_of(const Actor&, std::string_view);
  friend guest::Outcome take_state(Actor&, const guest::Outcome&, std::string_view*);

  bool is_call() const { return version().behaviour == Behaviour::call; }

  // Handles the message and then what has come meanwhile. A message stays in run()'s frame while it
  // is handled; the first is taken when it starts.
  Task<> run(Message&& first);
  Task<> join(ViewerPtr viewer);
  // Both may be null.
  Task<bool> init(ViewerPtr viewer, AskPtr ask);
  bool admit(const Message& message);
  bool hears(const Message& message);
  bool has_room();
  bool may_need_instance(const Message& message) const;
  bool take_timer(Message& message);
  // The turn of an event, a call, a notice or a timer, and what follows from it for viewers, others
  // and the actor itself. `now_ns`: when it begins, and when it has ended.
  Task<> act(Message& message,
             std::string_view function,
             std::string_view payload,
             std::int64_t& now_ns);
  Task<bool> end_life();
  Task<> switch_version();
  void pass_on();
  void obey(const Message& message);
  void refresh(const ViewerPtr& viewer);
  void leave(const ViewerPtr& viewer);
  void restart();

  // Carries out what a turn has decided.
  void perform(const Turn& turn);
  // To all who have subscribed; each of its messages has a number.
  void publish(const Deed& deed, std::uint64_t& number);
  void send(Address to, Message message, std::uint64_t number);
  template <class Letter, class Lost>
  void when_durable(Letter letter, Lost lost);
  void set_timer(const std::string& name, Timer timer);
  void cancel_timer(const std::string& name);

  // The one way back (way_back.cc): an instance as the last commit left it.
  bool is_ready() const {
    return instance_ && (version_ == plugin_.version || refused_version_ == plugin_.version);
  }
  Task<guest::Outcome> wake();
  Task<guest::Outcome> revive();
  Task<guest::Outcome> repeat_turns();
  void drop_instance();
  void forget_memory();
  void give_up_memory();
  void give_up_past();
  std::string why_not_captured() const;
  void checkpoint();
  bool capture();
  void undo(bool guest_ran);

  // The journal (journaling.cc).
  // What a turn's effects come to.
  struct Plan {
    journal::Changes changes;
    std::vector<journal::Outgoing> sent;  // to the journal's outbox, when the actor is kept
    std::size_t sends = 0;                // messages to others
  };
  Plan plan(const Effects& effects);
  void find_hearers(Effects& effects) const;
  void subscribe(const std::string& topic);
  // Why this turn may not send its messages; empty when it may.
  std::string outbox_refusal(const Effects& effects) const;
  void apply(const journal::Changes& changes);
  bool write(const journal::Record& record, Plan& plan, bool whole);
  bool append(const journal::Record& record,
              const journal::Changes& changes,
              journal::Beside beside,
              bool whole);
  bool mark(journal::Kind kind, std::string input);
  journal::Checkpoint checkpoint_of(std::uint64_t number, const journal::Changes& changes) const;
  void keep_checkpoint();
  std::string_view journal_refusal();
  bool is_in_journal() const;
  bool is_lost() const { return journaled_ && journaled_->lost; }
  Task<bool> load(Message& message);
  bool park_unless_ready(Message& message);
  void park(Message& message);
  void unpark();
  Task<Result<bool>> take_past(std::optional<journal::Past> past);
  // Versions of one code, the present one first: whichever makes the turns come out as they did is
  // the one that ran them.
  struct Candidates {
    std::string code;
    std::vector<std::shared_ptr<const PluginVersion>> versions;
    std::size_t next = 0;
    bool has_asked_archive = false;
    std::string why_no_more;
  };
  Task<std::shared_ptr<const PluginVersion>> next_candidate(Candidates& candidates);
  // The checkpoint and the records of what came after; then with the turns repeated. Neither with
  // timers and subscriptions.
  Task<Result<>> recall(journal::Past past, Candidates& candidates);
  Task<Result<>> repeat_past(journal::Past past);
  const std::string& code() const;
  Task<Result<Replayed>> replay(std::vector<journal::Entry> entries,
                                ReplayOrder order,
                                std::int64_t deadline_ns);
  Task<guest::Outcome> wake_for(const journal::Record& record);
  void keep_replayed(journal::Record record);
  Task<> rewind(const Message& message);
  Task<> fork(const Message& message);
  Task<Result<journal::Past>> read_past(std::string address, std::optional<std::uint64_t> at_turn);
  Task<Result<>> take_memory();
  bool mark_copy(journal::Kind kind, journal::Moment source, Plan plan);
  // Waits until it is known of each of its turns whether the journal has it: true when it does.
  Task<bool> all_told();
  void go_back();
  void forget_all();

  Answer answer_of(const guest::Outcome& outcome) const;
  void answer(const Message& message, const Turn& turn, const guest::Outcome& outcome);
  void answer(const AskPtr& ask, Answer answer);
  void refuse(const Message& message, Verdict verdict, std::string text);
  // Tells the log that a turn was undone, and why, and counts it against who caused it.
  void report(std::string_view function, const guest::Outcome& outcome);
  void blame(const Message& message, const Turn& turn, const guest::Outcome& outcome);
  void go_down(std::string_view reason);
  std::int64_t down_for_ms() const;

  Actors& actors_;
  Plugin& plugin_;
  const Address address_;
  const Belongs belongs_;

  Mailbox mailbox_;
  Exit exit_;
  Audience audience_;
  std::unique_ptr<Journaled> journaled_;  // null when the journal does not keep it

  // What a turn reads and, when it commits, changes. `version` is the one the actor runs, asleep or
  // awake; null before its first turn.
  std::shared_ptr<const PluginVersion> version_;
  std::unique_ptr<guest::Instance> instance_;
  guest::Vars vars_;
  std::optional<state::Canonical> state_;  // nothing before init
  std::uint64_t turns_ = 0;
  std::int64_t last_time_ns_ = 0;
  History history_;
  bool has_history_ = false;  // a turn beyond init has committed

  boost::container::flat_map<std::string, Timer, std::less<>> timers_;
  std::uint64_t timer_generation_ = 0;
  boost::container::flat_set<std::string, std::less<>> topics_;  // subscribed to

  Supervisor supervisor_;
  // A version that this actor could not switch to: it stays on the one it has.
  std::shared_ptr<const PluginVersion> refused_version_;
  // Of this life: what it sends carries the hash of it and a number.
  std::uint64_t incarnation_;
  std::uint64_t sent_ = 0;

  std::int64_t idle_since_ns_ = 0;
  bool running_ = false;
  bool retired_ = false;
  Task<> run_;  // last: ends before what it uses
};

}  // namespace troupe::actor
