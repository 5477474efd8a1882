// The floor under every figure: a WebSocket echo on Boost.Beast, one thread, nothing else.
//
// It answers each message with the message itself, so what it costs is what the kernel and Beast
// cost anybody who reads and writes one frame. Usage: echo PORT.
#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>

#include <charconv>
#include <cstring>
#include <iostream>
#include <memory>

namespace asio = boost::asio;
namespace beast = boost::beast;
using tcp = asio::ip::tcp;

namespace {

// As many as phxload may have waiting when it opens thousands of sockets.
constexpr int kBacklog = 4096;

// Owned by the handler that is pending; gone with the first error.
class Session : public std::enable_shared_from_this<Session> {
 public:
  explicit Session(tcp::socket socket) : stream_(std::move(socket)) {}

  void run() {
    stream_.next_layer().set_option(tcp::no_delay(true));
    stream_.async_accept([self = shared_from_this()](beast::error_code error) {
      if (!error) self->read();
    });
  }

 private:
  void read() {
    stream_.async_read(message_, [self = shared_from_this()](beast::error_code error, std::size_t) {
      if (!error) self->write();
    });
  }

  void write() {
    stream_.text(stream_.got_text());
    stream_.async_write(message_.data(),
                        [self = shared_from_this()](beast::error_code error, std::size_t) {
                          if (error) return;
                          self->message_.consume(self->message_.size());
                          self->read();
                        });
  }

  beast::websocket::stream<tcp::socket> stream_;
  beast::flat_buffer message_;
};

void accept(tcp::acceptor& acceptor) {
  acceptor.async_accept([&acceptor](beast::error_code error, tcp::socket socket) {
    if (!error) std::make_shared<Session>(std::move(socket))->run();
    accept(acceptor);
  });
}

}  // namespace

int main(int argc, char** argv) {
  unsigned short port = 0;
  const char* end = argc == 2 ? argv[1] + std::strlen(argv[1]) : nullptr;
  if (argc != 2 || std::from_chars(argv[1], end, port).ptr != end) {
    std::cerr << "usage: echo PORT\n";
    return 2;
  }
  try {
    asio::io_context io{1};
    tcp::acceptor acceptor{io};
    acceptor.open(tcp::v4());
    acceptor.set_option(asio::socket_base::reuse_address(true));
    acceptor.bind({asio::ip::address_v4::loopback(), port});
    acceptor.listen(kBacklog);
    accept(acceptor);
    io.run();
  } catch (const std::exception& error) {
    std::cerr << "echo: port " << port << ": " << error.what() << "\n";
    return 1;
  }
}
