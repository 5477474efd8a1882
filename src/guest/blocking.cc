#include "guest/blocking.h"

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include <coroutine>
#include <memory>
#include <utility>

namespace troupe::guest {

namespace {

namespace asio = boost::asio;

// The threads of one shard, made with the first work. They end with the event loop, to which they
// give back what they have done.
class Threads final : public asio::execution_context::service {
 public:
  inline static asio::execution_context::id id;
  // More work waits; there is never more of it than instances at work.
  static constexpr std::size_t threads = 2;

  explicit Threads(asio::io_context& io) : service(io), pool_(threads) {}

  asio::thread_pool& pool() { return pool_; }

 private:
  void shutdown() override {
    pool_.stop();
    pool_.join();
  }

  asio::thread_pool pool_;
};

class Aside {
 public:
  Aside(asio::io_context& io,
        std::function<void()> work,
        std::chrono::steady_clock::time_point deadline)
      : io_(io), work_(std::move(work)), deadline_(io.get_executor(), deadline) {}
  Aside(const Aside&) = delete;
  Aside& operator=(const Aside&) = delete;
  ~Aside() { state_->waiter = nullptr; }

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiter) {
    state_->waiter = waiter;
    asio::post(asio::use_service<Threads>(io_).pool(),
               [&io = io_, work = std::move(work_), state = state_]() mutable {
                 work();
                 work = nullptr;
                 asio::post(io, [state = std::move(state)] { go_on(*state, true); });
               });
    deadline_.async_wait(
        [state = state_](const boost::system::error_code&) { go_on(*state, false); });
  }
  bool await_resume() const noexcept { return state_->in_time; }

 private:
  // Touched on the shard alone; shared with what the event loop keeps, perhaps beyond this object.
  struct State {
    std::coroutine_handle<> waiter;
    bool in_time = false;
  };

  static void go_on(State& state, bool in_time) {
    if (!state.waiter) return;
    state.in_time = in_time;
    std::exchange(state.waiter, nullptr).resume();
  }

  asio::io_context& io_;
  std::function<void()> work_;
  asio::basic_waitable_timer<std::chrono::steady_clock,
                             asio::wait_traits<std::chrono::steady_clock>,
                             asio::io_context::executor_type>
      deadline_;
  const std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace

Task<bool> run_aside(shard::Shard& shard,
                     std::function<void()> work,
                     std::chrono::steady_clock::time_point deadline) {
  Aside aside(shard.io(), std::move(work), deadline);
  const bool in_time = co_await aside;
  co_return in_time;
}

}  // namespace troupe::guest
