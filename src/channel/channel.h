// One topic joined on one socket: what Phoenix calls a channel.
//
// It stands between a client's frames and the actor of the topic: it asks the plugin whether the
// client may join, hands events on, and shows the client what the actor shows, numbered with
// versions of its own. Owned by SocketChannels. Lives on the socket's shard; not thread-safe.
#pragma once

#include "actor/outbox.h"
#include "actor/viewer.h"
#include "base/rate.h"
#include "base/task.h"
#include "channel/address_use.h"
#include "channel/context.h"
#include "channel/frame_sink.h"
#include "channel/router.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::channel {

// What the channels of one socket have in common.
struct Client {
  Context& context;
  FrameSink& sink;
  std::string session;  // letters of the believed cookie; empty without one
  std::string origin;
  std::string remote_address;
  Rate joins;
  Rate events;
  std::shared_ptr<AddressUse> address;  // null: it is not counted
};

class Channel final : private actor::Outbox {
 public:
  // The texts of a frame, as the client wrote them; copied.
  struct Join {
    std::string_view join_ref;
    std::string_view ref;
    std::string_view topic;       // unescaped
    std::string_view topic_json;  // with its quotes
    std::string_view payload;
  };

  // Begins the join; the client gets the reply when the plugin has decided. `rules` keeps `rule`
  // alive.
  Channel(Client& client, TopicRules rules, const TopicRule& rule, const Join& join);
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  // Leaves the actor. No frame is sent.
  ~Channel() override;

  const std::string& topic() const { return topic_; }
  const std::string& join_ref() const { return join_ref_; }
  // The join was refused or has ended, and the client knows: the topic is free again.
  bool is_over() const { return over_; }

  // A frame of the client for this channel, by its event name.
  void on_event(std::string_view ref, std::string_view event, std::string_view payload);
  // A binary frame: a call of a function.
  void on_binary(std::string_view ref, std::string_view event, std::string_view payload);

  // The client sends more a second than it may: this frame of it is refused.
  void refuse_event(std::string_view ref, std::string_view event, bool binary);

  // The client reads again after its socket was full.
  void on_drained();

 private:
  struct Waiting {
    std::string ref;
    std::string event;
    std::string payload;
  };

  void start(const Join& join);
  Task<> authorize(actor::Plugin& plugin);
  void welcome();
  void refuse(std::string_view reason);
  void handle(std::string_view ref, std::string_view event, std::string_view payload);
  void call(std::string_view ref, std::string_view function, std::string_view input, bool binary);
  void too_many_waiting();

  // actor::Outbox
  void joined() override;
  void refused(std::string_view payload) override;
  void state(std::string_view state, actor::StateReason reason) override;
  void patch(std::string_view patch) override;
  void push(std::string_view name, std::string_view detail) override;
  void error(std::string_view payload) override;
  void called(std::string_view mark, const actor::Answer& answer) override;
  void answered() override;
  void ended(actor::EndReason reason) override;

  void send(std::string_view event, std::string_view payload);
  bool is_full() const;

  Client& client_;
  const TopicRules rules_;
  const TopicRule& rule_;
  const std::string topic_;
  const std::string topic_json_;
  const std::string join_ref_;
  const std::string ref_;
  std::string head_;  // `["4",null,"todo:all",` of every push

  actor::ViewerPtr viewer_;  // null when the join was refused before an actor was known
  bool asked_ = false;       // the actor knows of the viewer, or will
  bool joined_ = false;      // and the client of that
  bool over_ = false;
  // Came while the join was under way.
  std::vector<Waiting> early_;

  std::uint64_t version_ = 0;
  bool has_state_ = false;
  // Patches have been left out: the state is asked for when the client reads again.
  bool behind_ = false;
  bool catching_up_ = false;
  std::size_t unanswered_ = 0;  // events and refreshes

  Task<> authorize_;  // last: ends before what it uses
};

}  // namespace troupe::channel
