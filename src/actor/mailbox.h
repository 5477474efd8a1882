// The messages an actor has yet to handle, first come, first served, within a bound.
//
// Joins and leaves have room of their own: each viewer has at most one of either here, and a leave
// that found no room would keep a viewer for ever. Lives on the actor's shard; not thread-safe.
#pragma once

#include "actor/message.h"
#include "actor/plugin.h"

#include <boost/container/deque.hpp>

#include <cstddef>
#include <memory>
#include <utility>

namespace troupe::actor {

class Mailbox {
 public:
  // False when the bound is reached; the message is then untouched.
  [[nodiscard]] bool push(Message&& message, const Bounds& bounds) {
    if (message.is_bounded() && !has_room_for(message, bounds)) return false;
    Queue& there = queue();
    there.count(message);
    there.messages.push_back(std::move(message));
    return true;
  }

  // In front of all others: what was taken out already, and must be handled once more.
  void push_front(Message&& message) {
    Queue& there = queue();
    there.count(message);
    there.messages.push_front(std::move(message));
  }

  bool empty() const { return queue_ == nullptr || queue_->messages.empty(); }
  std::size_t size() const { return queue_ == nullptr ? 0 : queue_->messages.size(); }

  Message pop() {
    Message message = std::move(queue_->messages.front());
    queue_->messages.pop_front();
    if (message.is_bounded()) {
      --queue_->bounded;
      queue_->bytes -= message.bytes();
    }
    return message;
  }

  // Frees what an empty one has kept.
  void shrink() {
    if (empty()) queue_.reset();
  }

 private:
  struct Queue {
    boost::container::deque<Message> messages;
    std::size_t bounded = 0;  // of the messages, and their bytes
    std::size_t bytes = 0;

    void count(const Message& message) {
      if (!message.is_bounded()) return;
      ++bounded;
      bytes += message.bytes();
    }
  };

  bool has_room_for(const Message& message, const Bounds& bounds) const {
    const std::size_t bounded = queue_ ? queue_->bounded : 0;
    const std::size_t bytes = queue_ ? queue_->bytes : 0;
    return bounded < bounds.mailbox_messages_max &&
           bytes + message.bytes() <= bounds.mailbox_bytes_max;
  }
  Queue& queue() {
    if (queue_ == nullptr) queue_ = std::make_unique<Queue>();
    return *queue_;
  }

  std::unique_ptr<Queue> queue_;  // null until a message has to wait
};

}  // namespace troupe::actor
