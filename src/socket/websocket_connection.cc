#include "socket/websocket_connection.h"

#include "socket/gathering_stream.h"

#include <boost/beast/core/bind_handler.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/websocket/stream.hpp>

#include <algorithm>
#include <array>
#include <cassert>
#include <cstdint>
#include <utility>

namespace troupe::socket {

namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;

// Found by Beast when a WebSocket ends: its own would close with what the client still says unread,
// which resets the connection.
template <class Handler>
void async_teardown(beast::role_type, GatheringStream& stream, Handler&& handler) {
  stream.async_finish(std::forward<Handler>(handler));
}

namespace {

// The room for what a client says next: enough for most events, since an idle connection has it
// too.
constexpr std::size_t read_bytes = 256;
// What is kept of a read buffer that a large message has stretched.
constexpr std::size_t kept_bytes_max = std::size_t{1} << 10;

enum class Opcode : std::uint8_t { text = 1, binary = 2, close = 8 };

// The header of a whole frame from server to client, which is never masked.
class FrameHeader {
 public:
  FrameHeader(Opcode opcode, std::uint64_t payload_bytes) {
    constexpr std::uint8_t final = 0x80;
    add(final | static_cast<std::uint8_t>(opcode));
    if (payload_bytes < 126) {
      add(static_cast<std::uint8_t>(payload_bytes));
    } else if (payload_bytes < 65536) {
      add(126);
      add_number(payload_bytes, 2);
    } else {
      add(127);
      add_number(payload_bytes, 8);
    }
  }

  std::string_view bytes() const { return {bytes_.data(), size_}; }

 private:
  void add(std::uint8_t byte) { bytes_[size_++] = static_cast<char>(byte); }
  void add_number(std::uint64_t number, unsigned size) {
    while (size > 0) add(static_cast<std::uint8_t>(number >> (8 * --size)));
  }

  std::array<char, 10> bytes_;
  std::size_t size_ = 0;
};

class WebSocketConnection final : public Connection,
                                  private channel::FrameSink,
                                  private GatheringStream::Owner {
 public:
  WebSocketConnection(Hub& hub, Socket socket)
      : Connection(hub),
        stream_(std::move(socket),
                static_cast<GatheringStream::Owner&>(*this),
                hub.flush_queue,
                hub.wheel,
                hub.site.limits.unsent_bytes_max) {}

  void start(Upgrade upgrade);

  void drain() override { close(channel::CloseCode::service_restart); }
  void abort() override { bytes().abort(); }

 private:
  // Beast reads and answers control frames; what we say goes past it into the same bytes.
  using Stream = websocket::stream<GatheringStream, false>;
  GatheringStream& bytes() { return stream_.next_layer(); }

  void read();
  void on_read(ErrorCode error);
  void send(Opcode opcode, std::span<const std::string_view> pieces);

  // Connection
  void release() override { handler_.reset(); }
  void on_timeout() override;

  // channel::FrameSink
  void send_text(std::span<const std::string_view> pieces) override { send(Opcode::text, pieces); }
  void send_binary(std::span<const std::string_view> pieces) override {
    send(Opcode::binary, pieces);
  }
  std::size_t unsent_bytes() const override { return stream_.next_layer().unsent_bytes(); }
  void close(channel::CloseCode code) override;

  // GatheringStream::Owner
  std::shared_ptr<void> keep_alive() override { return shared_from_this(); }
  void on_drained() override;
  void on_teardown() override { hub().wheel.set(*this, hub().site.limits.close_timeout); }

  Stream stream_;
  beast::flat_buffer message_;
  std::unique_ptr<channel::MessageHandler> handler_;
};

void WebSocketConnection::start(Upgrade upgrade) {
  const Limits& limits = hub().site.limits;
  // What Beast wants to see of the request that has been checked already.
  http::request<http::empty_body> request{http::verb::get, "/", 11};
  request.set(http::field::host, "");
  request.set(http::field::connection, "upgrade");
  request.set(http::field::upgrade, "websocket");
  request.set(http::field::sec_websocket_version, "13");
  request.set(http::field::sec_websocket_key, upgrade.key);
  stream_.set_option(
      websocket::stream_base::decorator([&upgrade](websocket::response_type& response) {
        response.set(http::field::server, "troupe");
        if (!upgrade.protocol.empty()) {
          response.set(http::field::sec_websocket_protocol, upgrade.protocol);
        }
        if (!upgrade.set_cookie.empty()) response.set(http::field::set_cookie, upgrade.set_cookie);
      }));
  stream_.read_message_max(limits.frame_bytes_max);
  ErrorCode error;
  // It only appends to our bytes, so it does not wait.
  stream_.accept(request, error);
  assert(!error && "the request was checked before");
  stream_.set_option(websocket::stream_base::decorator([](websocket::response_type&) {}));

  handler_ = hub().site.open_socket(hub().shard, *this, std::move(upgrade.info));
  hub().wheel.set(*this, limits.idle_timeout);
  read();
}

void WebSocketConnection::read() {
  stream_.async_read_some(
      message_,
      std::max(read_bytes, message_.size()),
      boost::asio::bind_executor(
          hub().trampoline.executor(),
          [self = std::static_pointer_cast<WebSocketConnection>(shared_from_this())](
              ErrorCode error, std::size_t) { self->on_read(error); }));
}

void WebSocketConnection::on_read(ErrorCode error) {
  if (error) {
    if (error == websocket::error::message_too_big) hub().site.bounds.reached(Bound::frame_bytes);
    cancel();
    handler_.reset();
    return;
  }
  if (!stream_.is_message_done()) return read();
  bytes().begin_work();
  // After our close frame the client may still have been speaking; nobody listens any more.
  if (!bytes().is_sealed()) {
    const auto data = message_.cdata();
    const std::string_view text(static_cast<const char*>(data.data()), data.size());
    if (stream_.got_text()) {
      handler_->on_text(text);
    } else {
      handler_->on_binary(text);
    }
  }
  message_.consume(message_.size());
  if (message_.capacity() > kept_bytes_max) message_.shrink_to_fit();
  read();
}

void WebSocketConnection::send(Opcode opcode, std::span<const std::string_view> pieces) {
  if (bytes().is_sealed()) return;
  if (bytes().unsent_bytes() > 2 * hub().site.limits.unsent_bytes_max) {
    return close(channel::CloseCode::try_again_later);
  }
  std::size_t size = 0;
  for (const std::string_view piece : pieces) size += piece.size();
  bytes().append(FrameHeader(opcode, size).bytes());
  bytes().append(pieces);
}

void WebSocketConnection::close(channel::CloseCode code) {
  if (bytes().is_sealed()) return;
  if (code == channel::CloseCode::try_again_later) {
    hub().site.bounds.reached(Bound::socket_unsent_bytes);
  }
  const auto number = static_cast<std::uint16_t>(code);
  const std::array<char, 2> payload{static_cast<char>(number >> 8U),
                                    static_cast<char>(number & 0xffU)};
  bytes().append(FrameHeader(Opcode::close, payload.size()).bytes());
  bytes().append(std::string_view(payload.data(), payload.size()));
  // Beast will answer the client's close frame with one of its own, which is not to be sent.
  bytes().seal();
  hub().wheel.set(*this, hub().site.limits.close_timeout);
}

void WebSocketConnection::on_timeout() {
  if (bytes().is_sealed()) return abort();
  const auto idle = std::chrono::duration_cast<std::chrono::milliseconds>(hub().wheel.now() -
                                                                          bytes().received_at());
  const auto allowed = hub().site.limits.idle_timeout;
  if (idle >= allowed) {
    hub().site.bounds.reached(Bound::idle);
    return close(channel::CloseCode::going_away);
  }
  hub().wheel.set(*this, allowed - idle);
}

void WebSocketConnection::on_drained() {
  if (handler_) handler_->on_drained();
}

}  // namespace

void start_websocket(Hub& hub, Socket socket, Upgrade upgrade) {
  std::make_shared<WebSocketConnection>(hub, std::move(socket))->start(std::move(upgrade));
}

}  // namespace troupe::socket
