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
    if (channel == nullptr) return unmatched(frame);
    // What was sent under an earlier join of the topic is for a channel that is gone.
    if (frame.join_ref != "null" && frame.join_ref != channel->join_ref()) return;
    if (frame.binary) return channel->on_binary(frame.ref, frame.event, frame.payload);
    channel->on_event(frame.ref, frame.event, frame.payload);
  }

  void join(const wire::ClientFrame& frame) {
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
                      std::move(info.remote_address)},
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
