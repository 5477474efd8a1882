#include "actor/actors.h"

#include "actor/migrate.h"
#include "actor/system.h"

#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace troupe::actor {

namespace {

// How often a shard looks for actors that have been idle for too long.
constexpr std::chrono::seconds bedtime_period{1};

// Of the records that turns write in: so many, and of such inputs, are kept for the next.
constexpr std::size_t spare_records_max = 64;
constexpr std::size_t spare_record_bytes_max = std::size_t{16} << 10;

}  // namespace

void PluginCounters::add(const PluginCounters& other) {
  counters.add(other.counters);
  actors += other.actors;
  awake += other.awake;
  for (const auto& [hash, count] : other.versions) versions[hash] += count;
}

Actors::Actors(System& system,
               shard::Shards& shards,
               std::size_t index,
               const Clock& clock,
               Log& log,
               const AwakeRules& rules)
    : system_(system),
      shards_(shards),
      index_(index),
      clock_(clock),
      log_(log),
      rules_(rules),
      timers_(shards[index], clock),
      bedtime_(shards[index].io().get_executor()) {}

Actors::~Actors() {
  tasks_.clear();
  retired_.clear();
  actors_.clear();
}

void Actors::install(std::shared_ptr<const PluginVersion> version) {
  auto& plugin = plugins_[version->name];
  if (!plugin) plugin = std::make_unique<Plugin>();
  plugin->version = std::move(version);
  plugin->leaving = false;
  std::vector<Actor*> awake;
  for (const auto& actor : actors_) {
    if (&actor->plugin() == plugin.get() && actor->is_awake()) awake.push_back(actor.get());
  }
  for (Actor* actor : awake) actor->deliver({.kind = Message::Kind::upgrade});
  auto waiting = unserved_.extract(plugin->version->name);
  if (waiting.empty()) return;
  for (auto& [address, message] : waiting.mapped()) deliver(address, std::move(message));
}

void Actors::try_migrate(std::shared_ptr<const PluginVersion> version,
                         std::size_t count,
                         std::function<void(std::vector<std::string>)> done) {
  std::vector<std::string> addresses;
  for (const auto& actor : actors_) {
    if (addresses.size() == count) break;
    if (actor->address().plugin() == version->name && actor->state()) {
      addresses.push_back(actor->address().text());
    }
  }
  start(migrate_some(std::move(version), std::move(addresses), std::move(done)));
}

Task<> Actors::migrate_some(std::shared_ptr<const PluginVersion> version,
                            std::vector<std::string> addresses,
                            std::function<void(std::vector<std::string>)> done) {
  std::vector<std::string> mistakes;
  for (const std::string& address : addresses) {
    // Whoever is gone meanwhile needs no migration.
    const Actor* actor = find(address);
    if (actor == nullptr || !actor->state()) continue;
    Plugin& plugin = *plugins_.find(version->name)->second;
    auto migrated = co_await migrate(
        *this, plugin, version, actor->version().module->content_hash(), actor->state()->text());
    if (migrated.has_error()) {
      mistakes.push_back(fmt::format("{}: {}", address, migrated.error().message));
    }
  }
  done(std::move(mistakes));
}

void Actors::uninstall(std::string_view name) {
  const auto found = plugins_.find(name);
  if (found == plugins_.end()) return;
  Plugin& plugin = *found->second;
  plugin.leaving = true;
  std::vector<Actor*> actors;
  for (const auto& actor : actors_) {
    if (&actor->plugin() == &plugin) actors.push_back(actor.get());
  }
  // What has ended is destroyed only when the event loop comes round: the pointers hold.
  for (Actor* actor : actors) actor->deliver({.kind = Message::Kind::end});
}

Plugin* Actors::find_plugin(std::string_view name) {
  const auto found = plugins_.find(name);
  return found == plugins_.end() || found->second->leaving ? nullptr : found->second.get();
}

// Whether the journal may know actors of it that are not here.
bool Actors::may_be_asleep(const Plugin& plugin) const {
  return gate_ && plugin.version->durability != Durability::none;
}

Actor* Actors::find(std::string_view address) {
  const auto found = actors_.find(address);
  return found == actors_.end() ? nullptr : found->get();
}

void Actors::join(const ViewerPtr& viewer) {
  // From the first moment, so that what the viewer sends next finds the actor.
  viewer->actor = find(viewer->address.text());
  if (viewer->actor == nullptr) {
    Plugin* plugin = find_plugin(viewer->address.plugin());
    // Who watches one that sleeps has it loaded; it sleeps on.
    if (plugin == nullptr || (viewer->watches && !may_be_asleep(*plugin))) {
      shards_[viewer->shard].send([viewer] {
        if (viewer->outbox != nullptr) viewer->outbox->refused(R"({"reason":"unavailable"})");
      });
      return;
    }
    auto actor =
        std::make_unique<Actor>(*this,
                                *plugin,
                                viewer->address,
                                viewer->ends_actor ? Belongs::to_a_viewer : Belongs::to_itself);
    viewer->actor = actor.get();
    actors_.insert(std::move(actor));
  }
  viewer->actor->deliver({.kind = Message::Kind::join, .viewer = viewer});
}

void Actors::deliver(Message&& message) {
  // An actor that ended has told its viewers so.
  if (Actor* actor = message.viewer->actor; actor != nullptr) actor->deliver(std::move(message));
}

void Actors::deliver(const Address& address, Message&& message) {
  const std::string& text = address.text();
  Actor* actor = find(text);
  if (actor == nullptr) {
    Plugin* plugin = find_plugin(address.plugin());
    const bool starts = message.kind == Message::Kind::event ||
                        message.kind == Message::Kind::call ||
                        (plugin != nullptr && may_be_asleep(*plugin));
    if (!starts || plugin == nullptr) {
      std::string reason = plugin == nullptr
                               ? fmt::format("there is no plugin \"{}\"", address.plugin())
                               : fmt::format("there is no actor {}", text);
      // Of a subscription from when the plugin's actors were durable.
      if (message.kind == Message::Kind::notice && plugin != nullptr) {
        if (message.delivery) drop(message);
        return;
      }
      if (message.delivery) {
        // The journal has it. Who publishes knows nothing of it, and does not wait.
        if (message.kind == Message::Kind::notice) {
          if (message.is_awaited()) system_.settled(message.delivery, message.bytes());
          message.settled = true;
        }
        auto& waiting = unserved_[std::string(address.plugin())];
        if (waiting.empty()) {
          log_.warn("[{}] a message from {} waits, as all for this plugin do: {}",
                    text,
                    message.delivery->sender,
                    reason);
        }
        waiting.emplace_back(address, std::move(message));
        return;
      }
      if (message.kind == Message::Kind::end && gate_) {
        return bury(address, std::move(message.ask));
      }
      if (message.kind == Message::Kind::wake) return;
      if (message.ask) {
        answer(message.ask, {.verdict = Verdict::missing, .message = std::move(reason)});
      } else {
        log_.warn("[{}] a message for \"{}\" from another actor was dropped: {}",
                  text,
                  message.name,
                  reason);
      }
      return;
    }
    // Who only looks wakes nobody.
    if (message.kind == Message::Kind::show) {
      return tell_past(address, std::nullopt, std::move(message.ask));
    }
    auto made = std::make_unique<Actor>(*this, *plugin, address, Belongs::to_itself);
    actor = made.get();
    actors_.insert(std::move(made));
  }
  actor->deliver(std::move(message));
}

void Actors::use(journal::Journal& journal) {
  gate_ = std::make_unique<Gate>(journal, shard(), shards_.size(), log_);
}

void Actors::drop(const Message& message) {
  if (gate_) gate_->drop({*message.delivery});
  if (message.is_awaited()) system_.settled(message.delivery, message.bytes());
}

InFlight Actors::in_flight(const std::string& sender) const {
  const auto found = in_flight_.find(sender);
  return found == in_flight_.end() ? InFlight{} : found->second;
}

void Actors::sent(const std::string& sender, std::size_t bytes) {
  InFlight& of = in_flight_[sender];
  ++of.messages;
  of.bytes += bytes;
}

void Actors::settled(const std::string& sender, std::size_t bytes) {
  const auto found = in_flight_.find(sender);
  assert(found != in_flight_.end() && found->second.bytes >= bytes && "each is settled once");
  found->second.bytes -= bytes;
  if (--found->second.messages == 0) in_flight_.erase(found);
}

void Actors::start(Task<> task) {
  std::erase_if(tasks_, [](const Task<>& each) { return each.done(); });
  tasks_.push_back(std::move(task));
  tasks_.back().start();
}

void Actors::tell_past(Address address, std::optional<std::uint64_t> turn, AskPtr ask) {
  start(look_back(std::move(address), turn, std::move(ask)));
}

void Actors::bury(Address address, AskPtr ask) {
  if (!burials_.insert(address.text()).second) {
    if (ask) answer(ask, {.verdict = Verdict::busy, .message = "the actor is being deleted"});
    return;
  }
  start(end_unloaded(std::move(address), std::move(ask)));
}

void Actors::forgotten(const std::string& sender) {
  if (Actor* actor = find(sender)) actor->forgotten();
  for (auto plugin = unserved_.begin(); plugin != unserved_.end();) {
    std::erase_if(plugin->second, [&](const std::pair<Address, Message>& one) {
      if (one.second.delivery->sender != sender) return false;
      drop(one.second);
      return true;
    });
    plugin = plugin->second.empty() ? unserved_.erase(plugin) : std::next(plugin);
  }
}

void Actors::sleep_all() {
  while (!idle_.empty()) {
    Actor& actor = idle_.front();
    idle_.pop_front();
    actor.sleep();
  }
}

std::unique_ptr<journal::Record> Actors::lend_record() {
  if (spare_records_.empty()) return std::make_unique<journal::Record>();
  std::unique_ptr<journal::Record> record = std::move(spare_records_.back());
  spare_records_.pop_back();
  return record;
}

void Actors::take_back(std::unique_ptr<journal::Record> record) {
  record->answers.clear();
  if (spare_records_.size() < spare_records_max &&
      record->input.capacity() + record->reason.capacity() <= spare_record_bytes_max) {
    spare_records_.push_back(std::move(record));
  }
}

void Actors::publish(const std::string& topic,
                     const std::string& notice,
                     const journal::InputId& id) {
  const auto found = subscribers_.find(topic);
  if (found == subscribers_.end()) return;
  const std::vector<Actor*> hearers(found->second.begin(), found->second.end());
  for (Actor* actor : hearers) {
    actor->deliver(
        {.kind = Message::Kind::notice, .name = topic, .payload = notice, .input_id = id});
  }
}

std::vector<ActorSummary> Actors::list(std::string_view plugin,
                                       std::string_view after,
                                       std::size_t limit) const {
  std::vector<const Actor*> found;
  for (const auto& actor : actors_) {
    const Address& address = actor->address();
    if (address.text() > after && (plugin.empty() || address.plugin() == plugin)) {
      found.push_back(actor.get());
    }
  }
  const auto by_address = [](const Actor* actor) -> const std::string& {
    return actor->address().text();
  };
  const std::size_t count = std::min(limit, found.size());
  std::ranges::partial_sort(
      found, found.begin() + static_cast<std::ptrdiff_t>(count), {}, by_address);
  std::vector<ActorSummary> out;
  for (const Actor* actor : std::span(found).first(count)) {
    out.push_back({actor->address().text(), actor->description(Actor::Detail::summary)});
  }
  return out;
}

std::vector<PluginCounters> Actors::counters() const {
  std::vector<PluginCounters> out;
  std::map<const Plugin*, std::size_t> index;
  for (const auto& [name, plugin] : plugins_) {
    index[plugin.get()] = out.size();
    out.push_back({.plugin = name, .counters = plugin->counters});
  }
  for (const auto& actor : actors_) {
    PluginCounters& of = out[index[&actor->plugin()]];
    ++of.actors;
    if (actor->is_awake()) ++of.awake;
    ++of.versions[actor->version().hash];
  }
  return out;
}

void Actors::answer(AskPtr ask, Answer answer) {
  const std::size_t to = ask->shard;
  auto letter = [ask = std::move(ask), answer = std::move(answer)]() mutable {
    ask->answer(std::move(answer));
  };
  if (to == shard().index()) {
    boost::asio::post(shard().io(), std::move(letter));  // needs no bell
  } else {
    shards_[to].send(std::move(letter));
  }
}

bool Actors::all_at_work() const {
  return instances_ >= rules_.instances_max + rules_.spare_instances &&
         std::ranges::none_of(idle_, &Actor::is_awake);
}

bool Actors::has_room(Plugin& plugin) {
  if (all_at_work()) {
    bounds_.reached(Bound::instances);
    return false;
  }
  const std::size_t of_all_shards = plugin.version->bounds.instances_max;
  const std::size_t max = std::max<std::size_t>(1, of_all_shards / shards_.size());
  if (of_all_shards == 0 || plugin.awake < max) return true;
  for (Actor& actor : idle_) {
    if (&actor.plugin() != &plugin || !actor.is_awake()) continue;
    actor.unlink();
    actor.sleep();
    return true;
  }
  return false;
}

void Actors::woke(Plugin& plugin) {
  ++plugin.awake;
  ++instances_;
  while (instances_ > rules_.instances_max && !idle_.empty()) {
    bounds_.reached(Bound::instances);
    Actor& longest = idle_.front();
    idle_.pop_front();
    longest.sleep();
    if (longest.is_forgettable()) retire(longest);
  }
}

void Actors::slept(Plugin& plugin) {
  --plugin.awake;
  --instances_;
}

void Actors::rest(Actor& actor) {
  if (actor.is_forgettable()) {
    retire(actor);
  } else if (actor.is_awake() || actor.is_punishing()) {
    idle_.push_back(actor);
    if (!bedtime_set_) wait_for_bedtime();
  }
}

void Actors::let_sleep(Actor& actor) {
  if (actor.is_awake()) idle_.push_back(actor);
}

void Actors::tuck_in() {
  const std::int64_t before_ns = clock_.now_ns() - rules_.idle_max.count();
  while (!idle_.empty() && idle_.front().idle_since_ns() < before_ns) {
    Actor& longest = idle_.front();
    idle_.pop_front();
    if (longest.is_awake()) bounds_.reached(Bound::actor_idle);
    longest.sleep();
    if (longest.is_forgettable()) retire(longest);
  }
}

void Actors::wait_for_bedtime() {
  bedtime_set_ = true;
  bedtime_.expires_after(bedtime_period);
  bedtime_.async_wait([this](boost::system::error_code error) {
    if (error) return;
    bedtime_set_ = false;
    tuck_in();
    if (!idle_.empty()) wait_for_bedtime();
  });
}

void Actors::retire(Actor& actor) {
  const auto found = actors_.find(std::string_view(actor.address().text()));
  // It can end in the middle of a turn, and once more by what comes of that.
  if (found == actors_.end() || found->get() != &actor) return;
  if (retired_.empty()) {
    // What is retired may be on the stack right now, in the middle of a turn.
    boost::asio::post(shard().io(), [this] { retired_.clear(); });
  }
  retired_.push_back(std::move(actors_.extract(found).value()));
}

void Actors::subscribe(const std::string& topic, Actor& actor) {
  subscribers_[topic].insert(&actor);
}

void Actors::unsubscribe(const std::string& topic, Actor& actor) {
  const auto found = subscribers_.find(topic);
  if (found == subscribers_.end()) return;
  found->second.erase(&actor);
  if (found->second.empty()) subscribers_.erase(found);
}

}  // namespace troupe::actor
