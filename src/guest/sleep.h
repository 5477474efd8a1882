// co_await Sleep(io, duration): a guest's wait. Private to this folder.
#pragma once

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <coroutine>
#include <memory>
#include <utility>

namespace troupe::guest {

// Destroying the awaiting coroutine ends the wait.
class Sleep {
 public:
  Sleep(boost::asio::io_context& io, std::chrono::nanoseconds duration)
      : timer_(io.get_executor(), duration) {}
  Sleep(const Sleep&) = delete;
  Sleep& operator=(const Sleep&) = delete;
  ~Sleep() {
    if (waiting_) *waiting_ = nullptr;
  }

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) {
    // Shared with the timer's handler, which the event loop keeps, perhaps beyond this object.
    waiting_ = std::make_shared<std::coroutine_handle<>>(handle);
    timer_.async_wait([waiting = waiting_](const boost::system::error_code&) {
      if (*waiting) std::exchange(*waiting, nullptr).resume();
    });
  }
  void await_resume() const noexcept {}

 private:
  boost::asio::basic_waitable_timer<std::chrono::steady_clock,
                                    boost::asio::wait_traits<std::chrono::steady_clock>,
                                    boost::asio::io_context::executor_type>
      timer_;
  std::shared_ptr<std::coroutine_handle<>> waiting_;
};

}  // namespace troupe::guest
