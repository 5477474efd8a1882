// One thread with its event loop: the place where actors, channels and sockets live.
//
// Whatever lives on a shard is touched by its thread alone. Shards share nothing that changes; they
// send each other messages through inboxes without locks. A server has one shard for each core.
#pragma once

#include "shard/run_queue.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

namespace troupe::shard {

using Executor = boost::asio::io_context::executor_type;

class Shard {
 public:
  explicit Shard(std::size_t index);
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;
  ~Shard();

  std::size_t index() const { return index_; }
  boost::asio::io_context& io() { return io_; }
  RunQueue& run_queue() { return run_queue_; }

  // Runs work on this shard's thread, after what was sent before by the same thread. From any
  // thread. Work still in the inbox when the shard is destroyed is destroyed without being run.
  template <class Work>
  void send(Work work) {
    push(new Letter<Work>(std::move(work)));
  }

 private:
  friend class Shards;

  struct Envelope {
    Envelope* next = nullptr;
    virtual ~Envelope() = default;
    virtual void open() = 0;
  };
  template <class Work>
  struct Letter final : Envelope {
    explicit Letter(Work w) : work(std::move(w)) {}
    void open() override { work(); }
    Work work;
  };

  void push(Envelope* envelope);
  void wait_for_bell();
  void open_all();

  const std::size_t index_;
  boost::asio::io_context io_;
  RunQueue run_queue_;
  // Newest first; emptied whole by the shard. The bell (an eventfd) is rung by whoever finds it
  // empty.
  std::atomic<Envelope*> inbox_ = nullptr;
  boost::asio::posix::basic_stream_descriptor<Executor> bell_;
};

// All shards of a server: started together, stopped together.
class Shards {
 public:
  // count: 0 means one for each core.
  explicit Shards(std::size_t count);
  Shards(const Shards&) = delete;
  Shards& operator=(const Shards&) = delete;
  ~Shards();

  std::size_t size() const { return shards_.size(); }
  Shard& operator[](std::size_t index) { return *shards_[index]; }

  // Starts a thread for each shard.
  void start();
  // Asks every loop to end and waits for the threads. What lives on the shards is destroyed by its
  // owners afterwards, when no thread runs any more.
  void stop();

 private:
  std::vector<std::unique_ptr<Shard>> shards_;
  std::vector<std::thread> threads_;
};

}  // namespace troupe::shard
