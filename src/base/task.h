// A coroutine that starts when it is awaited (or started) and belongs to whoever holds it.
//
// Task<T> is the return type of everything that may have to wait: a guest call that yields, a turn,
// a commit. Destroying a Task that has not finished destroys its frame and, through it, the frames
// of all that it awaits: that is how work is cancelled. A Task lives on one shard and is not
// thread-safe.
//
// Why not asio::awaitable: a turn that never waits must cost no trip through the event loop, and
// its resumption belongs to the run queue of the shard, which decides whose turn it is
// (shard/run_queue.h).
#pragma once

#include "base/frame_cache.h"

#include <cassert>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <optional>
#include <utility>

namespace troupe {

template <class T>
class Task;

namespace task_detail {

struct PromiseBase {
  std::coroutine_handle<> continuation = std::noop_coroutine();

  static void* operator new(std::size_t size) { return FrameCache::allocate(size); }
  static void operator delete(void* frame, std::size_t size) noexcept {
    FrameCache::release(frame, size);
  }

  struct Final {
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> self) const noexcept {
      return self.promise().continuation;
    }
    void await_resume() const noexcept {}
  };

  std::suspend_always initial_suspend() const noexcept { return {}; }
  Final final_suspend() const noexcept { return {}; }
  // Expected failures are values (base/result.h); an exception that gets here is a bug of ours.
  [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }
};

template <class T>
struct Promise : PromiseBase {
  std::optional<T> value;
  Task<T> get_return_object();
  template <class U>
  void return_value(U&& result) {
    value.emplace(std::forward<U>(result));
  }
  T take() { return std::move(*value); }
};

template <>
struct Promise<void> : PromiseBase {
  Task<void> get_return_object();
  void return_void() const noexcept {}
  void take() const noexcept {}
};

}  // namespace task_detail

template <class T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = task_detail::Promise<T>;

  Task() = default;
  explicit Task(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      reset();
      handle_ = std::exchange(other.handle_, nullptr);
    }
    return *this;
  }
  ~Task() { reset(); }

  bool done() const { return !handle_ || handle_.done(); }

  // Runs to the first suspension, without anybody awaiting the end. The Task must be kept.
  void start() {
    assert(handle_ && !handle_.done());
    handle_.resume();
  }

  // Ends the coroutine where it is suspended. Not from within itself.
  void reset() {
    if (handle_) std::exchange(handle_, nullptr).destroy();
  }

  // The result of a finished task that was started, not awaited.
  T take() { return handle_.promise().take(); }

  auto operator co_await() && noexcept {
    struct Awaiter {
      std::coroutine_handle<promise_type> callee;
      bool await_ready() const noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<> caller) const noexcept {
        callee.promise().continuation = caller;
        return callee;
      }
      T await_resume() const { return callee.promise().take(); }
    };
    return Awaiter{handle_};
  }

 private:
  std::coroutine_handle<promise_type> handle_;
};

template <class T>
Task<T> task_detail::Promise<T>::get_return_object() {
  return Task<T>(std::coroutine_handle<Promise>::from_promise(*this));
}

inline Task<void> task_detail::Promise<void>::get_return_object() {
  return Task<void>(std::coroutine_handle<Promise>::from_promise(*this));
}

}  // namespace troupe
