// For tests: a client that speaks HTTP and WebSocket byte by byte, and a server to speak to.
#pragma once

#include "channel/frame_sink.h"
#include "shard/shard.h"
#include "socket/file_descriptor.h"
#include "socket/listener.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <spdlog/sinks/ostream_sink.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <poll.h>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::socket {

struct TestResponse {
  unsigned status = 0;
  std::map<std::string, std::string> headers;  // names in lower case; equal ones joined by ", "
  std::string body;

  std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? std::string() : found->second;
  }
};

struct TestFrame {
  unsigned opcode = 0;
  std::string payload;

  // Of a close frame; 1005 when it has none, 0 for other frames.
  unsigned close_code() const {
    if (opcode != 8) return 0;
    if (payload.size() < 2) return 1005;
    return static_cast<std::uint8_t>(payload[0]) * 256U + static_cast<std::uint8_t>(payload[1]);
  }
};

// Blocks, with a bound that only a failing test reaches.
class TestClient {
 public:
  explicit TestClient(const std::string& address, int receive_buffer_bytes = 0) {
    const std::size_t colon = address.rfind(':');
    const auto port = static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1)));
    const bool v6 = address.starts_with('[');
    socket_ = FileDescriptor(::socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (receive_buffer_bytes > 0) set(SOL_SOCKET, SO_RCVBUF, receive_buffer_bytes);
    set(IPPROTO_TCP, TCP_NODELAY, 1);
    const timeval bound{.tv_sec = 20, .tv_usec = 0};
    ::setsockopt(socket_.number(), SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof bound);
    int failed = 0;
    if (v6) {
      sockaddr_in6 target{};
      target.sin6_family = AF_INET6;
      target.sin6_port = htons(port);
      target.sin6_addr = in6addr_loopback;
      failed = ::connect(socket_.number(), reinterpret_cast<sockaddr*>(&target), sizeof target);
    } else {
      sockaddr_in target{};
      target.sin_family = AF_INET;
      target.sin_port = htons(port);
      target.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      failed = ::connect(socket_.number(), reinterpret_cast<sockaddr*>(&target), sizeof target);
    }
    EXPECT_EQ(failed, 0) << "cannot connect to " << address;
  }

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_.number(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;  // the server has closed; what it said before can still be read
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  void stop_sending() { ::shutdown(socket_.number(), SHUT_WR); }

  // One read from the socket; empty when the server has closed.
  std::string receive() {
    std::string bytes(std::size_t{1} << 16, '\0');
    const ssize_t got = ::recv(socket_.number(), bytes.data(), bytes.size(), 0);
    EXPECT_FALSE(got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) << "the server says nothing";
    bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return bytes;
  }

  bool has_something_to_read() const {
    pollfd waiting{.fd = socket_.number(), .events = POLLIN, .revents = 0};
    return ::poll(&waiting, 1, 0) > 0;
  }

  // All that comes until the server closes.
  std::string receive_all() {
    while (fill()) {
    }
    return std::exchange(received_, {});
  }
  bool is_closed_by_server() { return received_.empty() && !fill(); }

  TestResponse read_response(bool has_body = true) {
    TestResponse response;
    std::size_t end = 0;
    while ((end = received_.find("\r\n\r\n")) == received_.npos) {
      if (!fill()) return response;
    }
    std::istringstream head(take(end + 4));
    std::string line;
    std::getline(head, line);
    response.status = static_cast<unsigned>(std::atoi(line.substr(line.find(' ') + 1).c_str()));
    while (std::getline(head, line) && line != "\r") {
      const std::size_t colon = line.find(':');
      std::string name = line.substr(0, colon);
      for (char& c : name) c = static_cast<char>(std::tolower(c));
      std::string& value = response.headers[name];
      if (!value.empty()) value += ", ";
      value += line.substr(colon + 2, line.size() - colon - 3);
    }
    if (has_body) {
      const auto length =
          static_cast<std::size_t>(std::atoll(response.header("content-length").c_str()));
      while (received_.size() < length && fill()) {
      }
      response.body = take(std::min(length, received_.size()));
    }
    return response;
  }

  TestResponse request(std::string_view first_line,
                       std::string_view headers = "",
                       std::string_view body = "") {
    send(fmt::format("{} HTTP/1.1\r\nHost: test\r\n{}\r\n{}", first_line, headers, body));
    return read_response(!first_line.starts_with("HEAD"));
  }
  TestResponse get(std::string_view path, std::string_view headers = "") {
    return request(fmt::format("GET {}", path), headers);
  }

  static std::string handshake(std::string_view path, std::string_view headers = "") {
    return fmt::format(
        "GET {} HTTP/1.1\r\nHost: test\r\nConnection: keep-alive, Upgrade\r\nUpgrade: "
        "websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
        "dGhlIHNhbXBsZSBub25jZQ==\r\n{}\r\n",
        path,
        headers);
  }
  TestResponse open_websocket(std::string_view path = "/socket/websocket?vsn=2.0.0",
                              std::string_view headers = "") {
    send(handshake(path, headers));
    return read_response();
  }

  static std::string frame(unsigned opcode,
                           std::string_view payload,
                           bool final = true,
                           bool masked = true) {
    std::string bytes;
    bytes += static_cast<char>((final ? 0x80U : 0U) | opcode);
    const unsigned mask_bit = masked ? 0x80 : 0;
    if (payload.size() < 126) {
      bytes += static_cast<char>(mask_bit | payload.size());
    } else {
      const unsigned size = payload.size() < 65536 ? 2 : 8;
      bytes += static_cast<char>(mask_bit | (size == 2 ? 126U : 127U));
      for (unsigned i = size; i > 0; --i)
        bytes += static_cast<char>(payload.size() >> (8 * (i - 1)));
    }
    if (!masked) return bytes.append(payload);
    constexpr std::array<char, 4> mask{0x12, 0x34, 0x56, 0x78};
    bytes.append(mask.data(), mask.size());
    for (std::size_t i = 0; i < payload.size(); ++i)
      bytes += static_cast<char>(payload[i] ^ mask[i % 4]);
    return bytes;
  }
  void send_text(std::string_view payload) { send(frame(1, payload)); }
  void send_close(unsigned code) {
    send(frame(8, std::string{static_cast<char>(code >> 8U), static_cast<char>(code & 0xffU)}));
  }

  // A frame of opcode 0 and no payload stands for the end of the connection.
  TestFrame read_frame() {
    TestFrame frame;
    if (!need(2)) return frame;
    std::size_t header = 2;
    std::uint64_t length = static_cast<std::uint8_t>(received_[1]);
    if (length >= 126) {
      const std::size_t size = length == 126 ? 2 : 8;
      if (!need(header + size)) return frame;
      length = 0;
      for (std::size_t i = 0; i < size; ++i) {
        length = length * 256 + static_cast<std::uint8_t>(received_[header + i]);
      }
      header += size;
    }
    if (!need(header + length)) return frame;
    frame.opcode = static_cast<std::uint8_t>(received_[0]) & 0x0fU;
    take(header);
    frame.payload = take(length);
    return frame;
  }
  std::string read_text() {
    const TestFrame frame = read_frame();
    EXPECT_EQ(frame.opcode, 1U) << "close code " << frame.close_code();
    return frame.payload;
  }
  std::string read_exactly(std::size_t size) {
    need(size);
    return take(std::min(size, received_.size()));
  }

 private:
  void set(int level, int option, int value) {
    ::setsockopt(socket_.number(), level, option, &value, sizeof value);
  }
  bool fill() {
    const std::string more = receive();
    received_ += more;
    return !more.empty();
  }
  bool need(std::size_t size) {
    while (received_.size() < size) {
      if (!fill()) return false;
    }
    return true;
  }
  std::string take(std::size_t size) {
    std::string taken = received_.substr(0, size);
    received_.erase(0, size);
    return taken;
  }

  FileDescriptor socket_;
  std::string received_;
};

// What a test does with the messages of one WebSocket.
class TestHandler final : public channel::MessageHandler {
 public:
  using OnMessage = std::function<void(channel::FrameSink& sink, std::string_view message)>;

  TestHandler(channel::FrameSink& sink, OnMessage on_text)
      : sink_(sink), on_text_(std::move(on_text)) {}
  ~TestHandler() override {
    if (on_end) on_end();
  }

  void on_text(std::string_view message) override { on_text_(sink_, message); }
  void on_binary(std::string_view message) override {
    const std::array<std::string_view, 2> pieces{"bin:", message};
    sink_.send_binary(pieces);
  }
  void on_drained() override {
    const std::array<std::string_view, 1> pieces{"drained"};
    sink_.send_text(pieces);
  }

  std::function<void()> on_end;

 private:
  channel::FrameSink& sink_;
  OnMessage on_text_;
};

inline void echo(channel::FrameSink& sink, std::string_view message) {
  const std::array<std::string_view, 2> pieces{message.substr(0, message.size() / 2),
                                               message.substr(message.size() / 2)};
  sink.send_text(pieces);
}

// A listener on its shards, with its log in a string.
class TestServer {
 public:
  explicit TestServer(ListenerOptions options = {}, std::size_t shard_count = 1)
      : shards(shard_count) {
    if (options.listen.empty()) options.listen = {"127.0.0.1:0"};
    if (options.session_key.empty()) options.session_key = "test key";
    if (options.limits.tick == Limits().tick) options.limits.tick = std::chrono::milliseconds(5);
    if (!options.open_socket) options.open_socket = handle_with(echo);
    auto created = Listener::create(std::move(options), shards, log);
    if (!created) {
      ADD_FAILURE() << created.error().message;
      std::abort();
    }
    listener = std::move(*created);
    listener->start();
    shards.start();
  }
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;
  ~TestServer() { shards.stop(); }

  static OpenSocket handle_with(TestHandler::OnMessage on_text) {
    return [on_text = std::move(on_text)](
               shard::Shard&, channel::FrameSink& sink, const channel::ConnectInfo&) {
      return std::make_unique<TestHandler>(sink, on_text);
    };
  }

  const std::string& address() const { return listener->addresses().front(); }
  std::uint64_t reached(Bound bound) const { return listener->bounds().count(bound); }
  TestClient connect() const { return TestClient(address()); }
  std::string logged() const { return log_text.str(); }

  std::ostringstream log_text;
  Log log{"test", std::make_shared<spdlog::sinks::ostream_sink_mt>(log_text)};
  shard::Shards shards;
  std::unique_ptr<Listener> listener;
};

}  // namespace troupe::socket
