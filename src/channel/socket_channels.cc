#include "channel/socket_channels.h"

#include "channel/channel.h"
#include "channel/context.h"
#include "wire/phoenix.h"

#include <boost/container/flat_map.hpp>

#include <iterator>
#include <utility>

namespace troupe::channel {

namespace {

constexpr std::string_view unmatched_topic = R"({"reason":"unmatched topic"})";
constexpr std::string_view busy = R"({"reason":"busy","retry_ms":1000})";
constexpr std::string_view too_many = R"({"reason":"too many channels joined"})";

}  // namespace

struct SocketChannels::Impl {
  Client client;
  // By topic.
  boost::container::flat_map<std::string, std::unique_ptr<Channel>, std::less<>> channels;

  FrameSink& sink() { return client.sink; }

  Channel* find(std::string_view topic) {
    const auto found = channels.find(topic);
    if (found == channels.end()) return nullptr;
    if (!found->second->is_over()) return found->second.get();
    channels.erase(found);
    return nullptr;
  }

  void reply(const wire::ClientFrame& frame) {
    sink().send_text(wire::reply_frame(
        frame.join_ref, frame.ref, frame.topic_json, wire::ReplyStatus::ok, "{}"));
  }

  void unmatched(const wire::ClientFrame& frame) {
    sink().send_text(wire::reply_frame(
        "null", frame.ref, frame.topic_json, wire::ReplyStatus::error, unmatched_topic));
  }

  void on_message(const Result<wire::ClientFrame>& frame) {
    if (frame.has_value()) return on_frame(*frame);
    client.context.log.info(
        "a client at {} sent a broken frame: {}", client.remote_address, frame.error().message);
    sink().close(CloseCode::internal_error);
  }

  void on_frame(const wire::ClientFrame& frame) {
    if (frame.topic == "phoenix" && frame.event == "heartbeat") return reply(frame);
    if (frame.event == "phx_join" && !frame.binary) return join(frame);
    Channel* channel = find(frame.topic);
    if (frame.event == "phx_leave") return leave(frame, channel);
    AddressUse* address = client.address.get();
    const bool is_allowed = may(client.events,
                                Bound::socket_events,
                                address == nullptr ? nullptr : &address->events,
                                Bound::address_events);
    if (channel == nullptr) return unmatched(frame);
    // What was sent under an earlier join of the topic is for a channel that is gone.
    if (frame.join_ref != "null" && frame.join_ref != channel->join_ref()) return;
    if (!is_allowed) return channel->refuse_event(frame.ref, frame.event, frame.binary);
    if (frame.binary) return channel->on_binary(frame.ref, frame.event, frame.payload);
    channel->on_event(frame.ref, frame.event, frame.payload);
  }

  // Whether the socket and its address may do one more of something now.
  bool may(Rate& of_socket, Bound socket_bound, Rate* of_address, Bound address_bound) {
    Context& context = client.context;
    const std::int64_t now_ns = context.system.on(context.shard).clock().now_ns();
    if (!of_socket.take(now_ns)) {
      context.reached.reached(socket_bound);
      return false;
    }
    if (of_address == nullptr || of_address->take(now_ns)) return true;
    context.reached.reached(address_bound);
    return false;
  }

  void join(const wire::ClientFrame& frame) {
    AddressUse* address = client.address.get();
    if (!may(client.joins,
             Bound::socket_joins,
             address == nullptr ? nullptr : &address->joins,
             Bound::address_joins)) {
      return sink().send_text(wire::reply_frame(
          frame.join_ref, frame.ref, frame.topic_json, wire::ReplyStatus::error, busy));
    }
    const TopicRules rules = client.context.rules;
    const TopicRule* rule = find_rule(*rules, frame.topic);
    if (rule == nullptr) return unmatched(frame);
    if (Channel* old = find(frame.topic); old != nullptr) {
      const std::string join_ref = old->join_ref();
      channels.erase(channels.find(frame.topic));
      sink().send_text(wire::close_frame(join_ref, frame.topic_json));
    }
    if (channels.size() >= client.context.bounds.topics_max) {
      for (auto entry = channels.begin(); entry != channels.end();) {
        entry = entry->second->is_over() ? channels.erase(entry) : std::next(entry);
      }
    }
    if (channels.size() >= client.context.bounds.topics_max) {
      client.context.reached.reached(Bound::socket_topics);
      return sink().send_text(wire::reply_frame(
          frame.join_ref, frame.ref, frame.topic_json, wire::ReplyStatus::error, too_many));
    }
    channels.emplace(
        frame.topic,
        std::make_unique<Channel>(
            client,
            rules,
            *rule,
            Channel::Join{
                frame.join_ref, frame.ref, frame.topic, frame.topic_json, frame.payload}));
  }

  void leave(const wire::ClientFrame& frame, Channel* channel) {
    if (channel == nullptr) return reply(frame);
    if (frame.join_ref != "null" && frame.join_ref != channel->join_ref()) return;
    const std::string join_ref = channel->join_ref();
    channels.erase(channels.find(frame.topic));
    reply(frame);
    sink().send_text(wire::close_frame(join_ref, frame.topic_json));
  }
};

SocketChannels::SocketChannels(Context& context, FrameSink& sink, ConnectInfo info)
    : impl_(new Impl{{context,
                      sink,
                      std::move(info.session),
                      std::move(info.origin),
                      std::move(info.remote_address),
                      Rate(context.bounds.joins_per_second),
                      Rate(context.bounds.events_per_second),
                      std::move(info.address_use)},
                     {}}) {}

SocketChannels::~SocketChannels() = default;

void SocketChannels::on_text(std::string_view message) {
  impl_->on_message(impl_->client.context.decoder.read_text(message));
}

void SocketChannels::on_binary(std::string_view message) {
  impl_->on_message(impl_->client.context.decoder.read_binary(message));
}

void SocketChannels::on_drained() {
  for (auto& [topic, channel] : impl_->channels) channel->on_drained();
}

}  // namespace troupe::channel
