// All actors of a server: from an address to the shard that has it.
//
// Owned by server/app; outlives the channels. The functions of a viewer are called on the viewer's
// shard, those that answer on the shard that is to be answered, the rest from any thread.
#pragma once

#include "actor/actors.h"
#include "actor/address.h"
#include "actor/alarms.h"
#include "actor/archive.h"
#include "actor/ask.h"
#include "actor/plugin.h"
#include "actor/subscriptions.h"
#include "actor/viewer.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "journal/journal.h"
#include "shard/shard.h"

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace troupe::actor {

class System {
 public:
  // rules: for the whole server; each shard gets its part of the instances.
  System(shard::Shards& shards, const Clock& clock, Log& log, AwakeRules rules);
  System(const System&) = delete;
  System& operator=(const System&) = delete;
  // No shard's thread may run any more.
  ~System();

  shard::Shards& shards() { return shards_; }
  // Keeps the turns of durable actors there, from now on, and learns who has subscribed; before any
  // thread runs. The journal outlives the system. An Error when it cannot be read.
  Result<> use(journal::Journal& journal);
  // Where code is that is not current; before any thread runs. Outlives the shards' threads.
  void use(Archive& archive) { archive_ = &archive; }
  // Null when there is none.
  Archive* archive() { return archive_; }
  // Sends what was on its way, and fires what was due, when the last server ended. Every plugin has
  // been installed; before any thread runs. An Error when the journal cannot be read.
  Result<> resume();
  // Actors with timers are not there any more: from any thread.
  void wake_sleepers();
  // What an actor was at the end of a turn; from any thread.
  void tell_past(const Address& address, std::uint64_t turn, AskPtr ask);
  // As Actors::replay(); from any thread.
  void replay(ReplayOrder order, AskPtr ask);
  // The journal has forgotten an actor; from any thread.
  void forgotten(const std::string& address);
  // A message of a durable actor, which is awaited, has been handled, or is kept from now on at its
  // receiver's expense; from any thread. With its bytes.
  void settled(const std::shared_ptr<const journal::Outgoing>& delivery, std::size_t bytes);

  // Only from that shard's thread, or while none runs.
  Actors& on(std::size_t shard) { return *actors_[shard]; }
  // How often actors of that shard have reached bounds of the server; from any thread.
  const BoundCounts& bounds(std::size_t shard) const { return actors_[shard]->bounds(); }
  // The shard of an actor that may have viewers on all of them.
  std::size_t shard_of(const Address& address) const;

  // Makes this the version of its plugin on every shard.
  void install(const std::shared_ptr<const PluginVersion>& version);
  // Tries `migrate` of a version on the states of some live actors; `done` is told, on the shard
  // that asks, what went wrong: a line for each that failed.
  void try_migrate(std::size_t asking_shard,
                   std::shared_ptr<const PluginVersion> version,
                   std::function<void(std::vector<std::string>)> done);
  void uninstall(const std::string& name);

  void join(const ViewerPtr& viewer);
  void event(const ViewerPtr& viewer, std::string_view name, std::string_view payload);
  // The answer comes to the viewer's outbox with this reference, which is not empty.
  void call(const ViewerPtr& viewer,
            std::string_view function,
            std::string_view input,
            std::string_view ref);
  void refresh(const ViewerPtr& viewer);
  void leave(const ViewerPtr& viewer);

  // To an actor by its address, wherever it is. An event or a call starts it if there is none yet;
  // anything else is then answered with `missing`.
  void send(const Address& to, Message message);
  // To those actors that have subscribed to the topic and are kept by no journal, on all shards.
  void publish(const std::string& topic,
               std::shared_ptr<const std::string> notice,
               const journal::InputId& id);
  // The others.
  Subscriptions& subscriptions() { return subscriptions_; }

  // Asks the actors of every shard, each on its thread, and gives the answers, in the order of the
  // shards, to `done` on the shard that asks.
  template <class Question, class Done>
  void gather(std::size_t asking_shard, Question question, Done done) {
    using Part = std::invoke_result_t<Question, Actors&>;
    struct Parts {
      std::vector<Part> parts;
      std::size_t missing;
      Done done;
    };
    auto parts = std::make_shared<Parts>(
        Parts{std::vector<Part>(actors_.size()), actors_.size(), std::move(done)});
    for (std::size_t index = 0; index < actors_.size(); ++index) {
      shards_[index].send([this, asking_shard, index, question, parts] {
        shards_[asking_shard].send([parts, index, part = question(*actors_[index])]() mutable {
          parts->parts[index] = std::move(part);
          if (--parts->missing == 0) parts->done(std::move(parts->parts));
        });
      });
    }
  }

 private:
  void deliver(Message&& message);
  void pass(Address to, Message message, std::size_t shards_tried);
  std::size_t shard_of_text(std::string_view address) const;
  void send_again(const journal::Outgoing& message);

  shard::Shards& shards_;
  const Clock& clock_;
  Log& log_;
  std::vector<std::unique_ptr<Actors>> actors_;
  Subscriptions subscriptions_;
  journal::Journal* journal_ = nullptr;  // null without one
  std::unique_ptr<Alarms> alarms_;       // likewise
  Archive* archive_ = nullptr;
};

}  // namespace troupe::actor
