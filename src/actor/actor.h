// A plugin with an address: a mailbox, a state, and an instance while it is awake.
//
// Messages are handled one at a time, each event a turn (actor/turn.h). Owned by Actors; lives on
// its shard; not thread-safe.
#pragma once

#include "actor/address.h"
#include "actor/audience.h"
#include "actor/mailbox.h"
#include "actor/plugin.h"
#include "actor/viewer.h"
#include "base/task.h"
#include "guest/instance.h"
#include "guest/outcome.h"
#include "guest/vars.h"
#include "journal/record.h"
#include "state/canonical.h"

#include <boost/intrusive/list.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace troupe::actor {

class Actors;
class Turn;

class Actor : public boost::intrusive::list_base_hook<
                  boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  using IdleList = boost::intrusive::list<Actor, boost::intrusive::constant_time_size<false>>;

  Actor(Actors& actors, Plugin& plugin, Address address);
  Actor(const Actor&) = delete;
  Actor& operator=(const Actor&) = delete;
  ~Actor();

  const Address& address() const { return address_; }

  // Handled at once when the actor and its shard have nothing else to do, else in order. A bounded
  // message that finds no room is answered with `busy`.
  void deliver(Message message);

  // Frees the instance; the next turn starts a fresh one with vars and state. Not while the guest
  // runs.
  void sleep();

 private:
  friend class Turn;

  // Handles the message and then what has come meanwhile.
  Task<> run(Message message);
  Task<> join(ViewerPtr viewer);
  Task<> event(const Message& message);  // which run() keeps
  void refresh(const ViewerPtr& viewer);
  void leave(const ViewerPtr& viewer);

  // Tells the viewer and the log that a turn was undone, and why.
  void report(std::string_view function, const guest::Outcome& outcome, const ViewerPtr& viewer);
  void refuse(const ViewerPtr& viewer, std::string_view type, std::string_view message);

  Actors& actors_;
  Plugin& plugin_;
  const Address address_;

  Mailbox mailbox_;
  Audience audience_;

  // What a turn reads and, when it commits, changes. `version` is the one `instance` runs.
  std::shared_ptr<const PluginVersion> version_;
  std::unique_ptr<guest::Instance> instance_;
  guest::Vars vars_;
  std::optional<state::Canonical> state_;  // nothing before init
  std::uint64_t turns_ = 0;
  std::int64_t last_time_ns_ = 0;
  journal::Record record_;    // of the last turn
  bool has_history_ = false;  // an event has been handled: the state is more than what init gives

  bool running_ = false;
  bool retired_ = false;
  Task<> run_;  // last: ends before what it uses
};

}  // namespace troupe::actor
