#include "shard/shard.h"

#include <boost/asio/executor_work_guard.hpp>
#include <sys/eventfd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>
#include <unistd.h>

namespace troupe::shard {

namespace {

int make_bell() {
  const int fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
  return fd;
}

}  // namespace

Shard::Shard(std::size_t index)
    : index_(index), io_(1), run_queue_(io_), bell_(io_.get_executor(), make_bell()) {
  wait_for_bell();
}

Shard::~Shard() {
  for (Envelope* envelope = inbox_.exchange(nullptr); envelope != nullptr;) {
    delete std::exchange(envelope, envelope->next);
  }
}

void Shard::push(Envelope* envelope) {
  Envelope* head = inbox_.load(std::memory_order_relaxed);
  do {
    envelope->next = head;
  } while (!inbox_.compare_exchange_weak(
      head, envelope, std::memory_order_release, std::memory_order_relaxed));
  if (head != nullptr) return;
  const std::uint64_t ring = 1;
  // Only a counter at its maximum could refuse, and then the bell has been rung.
  [[maybe_unused]] const ssize_t written = ::write(bell_.native_handle(), &ring, sizeof ring);
}

void Shard::wait_for_bell() {
  bell_.async_wait(boost::asio::posix::descriptor_base::wait_read,
                   [this](const boost::system::error_code& error) {
                     if (error) return;
                     std::uint64_t rung = 0;
                     [[maybe_unused]] const ssize_t read =
                         ::read(bell_.native_handle(), &rung, sizeof rung);
                     open_all();
                     wait_for_bell();
                   });
}

void Shard::open_all() {
  Envelope* newest = inbox_.exchange(nullptr, std::memory_order_acquire);
  Envelope* oldest = nullptr;
  while (newest != nullptr) {
    Envelope* next = newest->next;
    newest->next = oldest;
    oldest = newest;
    newest = next;
  }
  while (oldest != nullptr) {
    const std::unique_ptr<Envelope> envelope(std::exchange(oldest, oldest->next));
    envelope->open();
  }
}

Shards::Shards(std::size_t count) {
  if (count == 0) count = std::max(1U, std::thread::hardware_concurrency());
  for (std::size_t index = 0; index < count; ++index) {
    shards_.push_back(std::make_unique<Shard>(index));
  }
}

Shards::~Shards() {
  stop();
}

void Shards::start() {
  for (auto& shard : shards_) {
    threads_.emplace_back([io = &shard->io()] {
      const auto work = boost::asio::make_work_guard(*io);
      io->run();
    });
  }
}

void Shards::stop() {
  for (auto& shard : shards_) shard->io().stop();
  for (auto& thread : threads_) thread.join();
  threads_.clear();
}

}  // namespace troupe::shard
