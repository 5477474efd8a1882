// The bytes on their way to one client: everything that is due for it leaves in one write.
//
// Frames are appended here, by channels past Beast's message writer and by Beast itself (pong,
// close), each of them whole, so that they never mix. One send() takes them when the reader has
// nothing left to handle and is about to wait for the client; what is appended at other times, by
// other sockets' work, waits for the end of the loop's turn (FlushQueue). A client that does not
// take them all is waited for; meanwhile they gather here, and the one who appends looks at
// unsent_bytes().
//
// Under websocket::stream this is its next layer: an AsyncStream whose reads come from the socket
// as they are. Once all that a client has said is handled it will hardly have said more yet: others
// have the loop first, and so an attempt to read finds nothing more seldom.
//
// Lives on the socket's shard; not thread-safe.
#pragma once

#include "shard/shard.h"
#include "shard/timer_wheel.h"
#include "socket/socket.h"

#include <boost/asio/append.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/post.hpp>
#include <boost/intrusive/list.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace troupe::socket {

class GatheringStream;

// The streams of one shard that have something to send, sent at the end of the loop's turn.
class FlushQueue {
  using Hook =
      boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

 public:
  explicit FlushQueue(boost::asio::io_context& io) : io_(io) {}
  FlushQueue(const FlushQueue&) = delete;
  FlushQueue& operator=(const FlushQueue&) = delete;

 private:
  friend class GatheringStream;
  class Entry : public Hook {};

  void add(GatheringStream& stream);
  void flush_all();

  boost::asio::io_context& io_;
  boost::intrusive::list<Entry, boost::intrusive::constant_time_size<false>> entries_;
  bool scheduled_ = false;
  // Where bytes go that nobody wants any more: of clients whose socket is being closed.
  std::array<char, 4096> discarded_;
};

class GatheringStream : private FlushQueue::Entry {
 public:
  // Who owns the stream, and hears what happens to it.
  class Owner {
   public:
    // Keeps the stream alive while the kernel is waited for.
    virtual std::shared_ptr<void> keep_alive() = 0;
    // All has been sent, after more than `unsent_bytes_max` had waited. Called from the event loop.
    virtual void on_drained() = 0;
    // Nothing more will be read or appended: the end of the connection is waited for.
    virtual void on_teardown() = 0;

   protected:
    ~Owner() = default;
  };

  GatheringStream(Socket socket,
                  Owner& owner,
                  FlushQueue& flush_queue,
                  const shard::TimerWheel& clock,
                  std::size_t unsent_bytes_max);
  GatheringStream(const GatheringStream&) = delete;
  GatheringStream& operator=(const GatheringStream&) = delete;

  // Appends the concatenation of the pieces, unless the stream is sealed.
  void append(std::span<const std::string_view> pieces);
  void append(std::string_view piece) { append({&piece, 1}); }

  std::size_t unsent_bytes() const { return out_.size() - sent_; }
  bool is_over_bound() const { return unsent_bytes() > unsent_bytes_max_; }

  // What is appended from now on is dropped; what is due still leaves.
  void seal() { sealed_ = true; }
  bool is_sealed() const { return sealed_; }

  // Seals, and ends the TCP connection; operations on it fail.
  void abort();

  // The reader has been given something and will read again: what it appends meanwhile need not be
  // queued.
  void begin_work() { reading_ = false; }

  // Sends what is due, as far as the kernel takes it; false when nothing was.
  bool flush();

  // When something was last received, or at least handled.
  shard::TimerWheel::Clock::time_point received_at() const { return received_at_; }

  // What Beast and Asio want of a stream.
  using executor_type = shard::Executor;
  using next_layer_type = Socket;
  executor_type get_executor() { return socket_.get_executor(); }
  Socket& next_layer() { return socket_; }
  const Socket& next_layer() const { return socket_; }

  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token);
  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token);
  template <class Buffers>
  std::size_t write_some(const Buffers& buffers, ErrorCode& error);
  template <class Buffers>
  std::size_t write_some(const Buffers& buffers);
  // Asked for by Beast's concept of a synchronous stream; the server never waits in one.
  template <class Buffers>
  std::size_t read_some(const Buffers& buffers, ErrorCode& error);
  template <class Buffers>
  std::size_t read_some(const Buffers& buffers);

  // Ends the connection in good order: what is due is sent, then the client is told that nothing
  // follows, and what it still says is dropped until it ends too. A TCP connection closed with
  // unread bytes would be reset, and the client might never see the close frame. The owner bounds
  // the time with abort().
  template <class Handler>
  void async_finish(Handler&& handler);

 private:
  friend class FlushQueue;
  struct Finish;

  bool before_reading();
  bool finish_sending();
  void wait_for_room();
  void on_sent();

  Socket socket_;
  FlushQueue& flush_queue_;
  const shard::TimerWheel& clock_;
  Owner& owner_;
  const std::size_t unsent_bytes_max_;
  std::string out_;
  std::size_t sent_ = 0;  // of out_
  shard::TimerWheel::Clock::time_point received_at_;
  bool reading_ = false;
  bool sealed_ = false;
  bool waiting_for_room_ = false;
  bool was_over_bound_ = false;
};

// One step of async_finish() after the other, each the completion of the one before.
struct GatheringStream::Finish {
  GatheringStream& stream;
  bool told = false;

  template <class Self>
  void operator()(Self& self, ErrorCode error = {}, std::size_t = 0) {
    Socket& socket = stream.socket_;
    if (!error && !told && !stream.finish_sending()) {
      return socket.async_wait_writable(std::move(self));
    }
    told = true;
    if (!error) {
      return socket.async_read_some(boost::asio::buffer(stream.flush_queue_.discarded_),
                                    std::move(self));
    }
    socket.close();
    self.complete(error == boost::asio::error::eof ? ErrorCode() : error);
  }
};

template <class Handler>
void GatheringStream::async_finish(Handler&& handler) {
  seal();
  owner_.on_teardown();
  boost::asio::async_compose<Handler, void(ErrorCode)>(
      Finish{*this}, handler, socket_.get_executor());
}

template <class Buffers, class Token>
auto GatheringStream::async_read_some(const Buffers& buffers, Token&& token) {
  return boost::asio::async_initiate<Token, void(ErrorCode, std::size_t)>(
      [this](auto handler, const Buffers& room) {
        if (!before_reading()) return socket_.async_read_some(room, std::move(handler));
        boost::asio::post(socket_.get_executor(),
                          [this, room, handler = std::move(handler)]() mutable {
                            socket_.async_read_some(room, std::move(handler));
                          });
      },
      token,
      buffers);
}

template <class Buffers, class Token>
auto GatheringStream::async_write_some(const Buffers& buffers, Token&& token) {
  ErrorCode error;
  const std::size_t size = write_some(buffers, error);
  return boost::asio::async_initiate<Token, void(ErrorCode, std::size_t)>(
      [this](auto handler, std::size_t written) {
        boost::asio::post(socket_.get_executor(),
                          boost::asio::append(std::move(handler), ErrorCode(), written));
      },
      token,
      size);
}

template <class Buffers>
std::size_t GatheringStream::write_some(const Buffers& buffers, ErrorCode& error) {
  error = {};
  std::size_t size = 0;
  for (auto it = boost::asio::buffer_sequence_begin(buffers);
       it != boost::asio::buffer_sequence_end(buffers);
       ++it) {
    const boost::asio::const_buffer buffer = *it;
    append(std::string_view(static_cast<const char*>(buffer.data()), buffer.size()));
    size += buffer.size();
  }
  return size;
}

template <class Buffers>
std::size_t GatheringStream::write_some(const Buffers& buffers) {
  ErrorCode error;
  return write_some(buffers, error);
}

template <class Buffers>
std::size_t GatheringStream::read_some(const Buffers&, ErrorCode& error) {
  error = boost::asio::error::operation_not_supported;
  return 0;
}

template <class Buffers>
std::size_t GatheringStream::read_some(const Buffers& buffers) {
  ErrorCode ignored;
  return read_some(buffers, ignored);
}

}  // namespace troupe::socket
