// The messages an actor has yet to handle, first come, first served, within a bound.
//
// Joins and leaves have room of their own: each viewer has at most one of either here, and a leave
// that found no room would keep a viewer for ever. Lives on the actor's shard; not thread-safe.
#pragma once

#include "actor/message.h"

#include <boost/container/deque.hpp>

#include <cstddef>
#include <memory>
#include <utility>

namespace troupe::actor {

class Mailbox {
 public:
  Mailbox(std::size_t messages_max, std::size_t bytes_max)
      : messages_max_(messages_max), bytes_max_(bytes_max) {}

  // False when the bound is reached; the message is then untouched.
  [[nodiscard]] bool push(Message&& message) {
    if (message.is_bounded()) {
      if (messages_ >= messages_max_ || message.bytes() > bytes_max_ - bytes_) return false;
      ++messages_;
      bytes_ += message.bytes();
    }
    queue().push_back(std::move(message));
    return true;
  }

  // In front of all others: what was taken out already, and must be handled once more.
  void push_front(Message&& message) {
    if (message.is_bounded()) {
      ++messages_;
      bytes_ += message.bytes();
    }
    queue().push_front(std::move(message));
  }

  bool empty() const { return queue_ == nullptr || queue_->empty(); }
  std::size_t size() const { return queue_ == nullptr ? 0 : queue_->size(); }

  Message pop() {
    Message message = std::move(queue_->front());
    queue_->pop_front();
    if (message.is_bounded()) {
      --messages_;
      bytes_ -= message.bytes();
    }
    return message;
  }

  // Frees what an empty one has kept.
  void shrink() {
    if (empty()) queue_.reset();
  }

 private:
  using Queue = boost::container::deque<Message>;

  Queue& queue() {
    if (queue_ == nullptr) queue_ = std::make_unique<Queue>();
    return *queue_;
  }

  const std::size_t messages_max_;
  const std::size_t bytes_max_;
  std::unique_ptr<Queue> queue_;  // null until a message has to wait
  std::size_t messages_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace troupe::actor
