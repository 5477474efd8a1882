// The answer of another thread, awaited on a shard.
//
//   shard::Reply<Past> past;
//   journal.load(address, past.taker(shard));
//   Past loaded = co_await past;
//
// The taker is called once, from any thread; who awaits goes on on the shard. Destroying the Reply
// makes the answer go nowhere. One coroutine awaits it. Lives on the shard.
#pragma once

#include "shard/shard.h"

#include <coroutine>
#include <memory>
#include <optional>
#include <utility>

namespace troupe::shard {

template <class T>
class Reply {
 public:
  Reply() = default;
  Reply(const Reply&) = delete;
  Reply& operator=(const Reply&) = delete;
  ~Reply() { state_->waiting = nullptr; }

  // May be copied, as std::function wants it.
  auto taker(Shard& shard) {
    return [state = state_, &shard](T value) {
      shard.send([state, value = std::move(value)]() mutable {
        state->value.emplace(std::move(value));
        if (state->waiting) std::exchange(state->waiting, nullptr).resume();
      });
    };
  }

  bool await_ready() const noexcept { return state_->value.has_value(); }
  void await_suspend(std::coroutine_handle<> handle) noexcept { state_->waiting = handle; }
  T await_resume() { return std::move(*state_->value); }

 private:
  // Shared with the taker and its letter.
  struct State {
    std::optional<T> value;
    std::coroutine_handle<> waiting;
  };
  const std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace troupe::shard
