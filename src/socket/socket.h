// A client's connection: TCP, with TLS over it where its listener has a certificate.
//
// What Beast and Asio want of a stream to read from and write to asynchronously. One read and one
// write at a time. Lives on its shard; not thread-safe; stays where it is while something is under
// way.
#pragma once

#include "shard/shard.h"
#include "socket/tls.h"

#include <boost/asio/async_result.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>

#include <cerrno>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace troupe::socket {

using TcpSocket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, shard::Executor>;
using ErrorCode = boost::system::error_code;

class Socket {
 public:
  using executor_type = shard::Executor;

  // `tls` null: without.
  explicit Socket(TcpSocket tcp, std::unique_ptr<TlsSession> tls = nullptr);
  Socket(Socket&&) = default;
  Socket& operator=(Socket&&) = default;

  executor_type get_executor() { return tcp_.get_executor(); }
  bool is_open() const { return tcp_.is_open(); }
  bool has_tls() const { return tls_ != nullptr; }
  // The address of the other end, without its port; empty when it is gone already.
  std::string peer() const;

  // Before anything is read or written where there is TLS. After an error the connection is of no
  // more use, unless was_plain_http().
  template <class Token>
  auto async_handshake(Token&& token) {
    return boost::asio::async_compose<Token, void(ErrorCode)>(
        steps<false>([this] { return tls_->handshake(); }), token, tcp_.get_executor());
  }
  // The client did not know that there is TLS here; it can be told so, without any.
  bool was_plain_http() const { return tls_ && tls_->is_plain_http(); }
  void give_up_tls() { tls_.reset(); }

  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token);
  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token);

  // Sends what can be sent without waiting, and says how much. Once it has sent less than all, the
  // next call begins with the bytes that were left, after async_wait_writable().
  std::size_t send_now(std::string_view bytes, ErrorCode& error);
  template <class Handler>
  void async_wait_writable(Handler&& handler) {
    tcp_.async_wait(TcpSocket::wait_write, std::forward<Handler>(handler));
  }

  // Tells the client that nothing follows.
  void end_sending(ErrorCode& error);
  // What is under way ends with operation_aborted.
  void cancel() {
    ErrorCode ignored;
    tcp_.cancel(ignored);
  }
  void close() {
    ErrorCode ignored;
    tcp_.close(ignored);
  }

 private:
  // One step of TLS after the other, each after what the one before has to wait for.
  template <bool counts, class Take>
  struct Steps {
    Socket& socket;
    Take take;
    TlsSession::Step step{};
    bool begun = false;
    bool over = false;

    template <class Self>
    void operator()(Self& self, ErrorCode error = {}) {
      if (!over) {
        // A closed socket's number may be another client's by now.
        if (!error && !socket.is_open()) error = boost::asio::error::operation_aborted;
        step = error ? TlsSession::Step{.error = error} : take();
        const bool is_first = !std::exchange(begun, true);
        if (step.wait != TlsSession::Wait::none) {
          const auto wait = step.wait == TlsSession::Wait::readable ? TcpSocket::wait_read
                                                                    : TcpSocket::wait_write;
          return socket.tcp_.async_wait(wait, std::move(self));
        }
        over = true;
        // Nobody's handler is called from within what it has started.
        if (is_first) return boost::asio::post(socket.get_executor(), std::move(self));
      }
      if constexpr (counts) {
        self.complete(step.error, step.bytes);
      } else {
        self.complete(step.error);
      }
    }
  };
  template <bool counts, class Take>
  Steps<counts, Take> steps(Take take) {
    return {*this, std::move(take)};
  }

  // TLS reads and writes one piece of memory at a time.
  template <class Buffer, class Buffers>
  static Buffer first_of(const Buffers& buffers) {
    for (auto it = boost::asio::buffer_sequence_begin(buffers);
         it != boost::asio::buffer_sequence_end(buffers);
         ++it) {
      if (const Buffer buffer = *it; buffer.size() > 0) return buffer;
    }
    return {};
  }

  TcpSocket tcp_;
  std::unique_ptr<TlsSession> tls_;  // null: none
};

// Found by Beast, which ends a WebSocket's connection with it.
inline void beast_close_socket(Socket& socket) {
  socket.close();
}

template <class Buffers, class Token>
auto Socket::async_read_some(const Buffers& buffers, Token&& token) {
  return boost::asio::async_initiate<Token, void(ErrorCode, std::size_t)>(
      [this](auto handler, const Buffers& to) {
        if (!tls_) return tcp_.async_read_some(to, std::move(handler));
        const auto piece = first_of<boost::asio::mutable_buffer>(to);
        boost::asio::async_compose<decltype(handler), void(ErrorCode, std::size_t)>(
            steps<true>([this, piece] {
              return piece.size() == 0 ? TlsSession::Step{}
                                       : tls_->read(piece.data(), piece.size());
            }),
            handler,
            tcp_.get_executor());
      },
      token,
      buffers);
}

template <class Buffers, class Token>
auto Socket::async_write_some(const Buffers& buffers, Token&& token) {
  return boost::asio::async_initiate<Token, void(ErrorCode, std::size_t)>(
      [this](auto handler, const Buffers& from) {
        if (!tls_) return tcp_.async_write_some(from, std::move(handler));
        const auto piece = first_of<boost::asio::const_buffer>(from);
        boost::asio::async_compose<decltype(handler), void(ErrorCode, std::size_t)>(
            steps<true>([this, piece] {
              return piece.size() == 0 ? TlsSession::Step{}
                                       : tls_->write(piece.data(), piece.size());
            }),
            handler,
            tcp_.get_executor());
      },
      token,
      buffers);
}

}  // namespace troupe::socket
