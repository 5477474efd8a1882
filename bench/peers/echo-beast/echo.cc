// The floor under every figure: a WebSocket echo on Boost.Beast, one thread, nothing else.
//
// It answers each message with the message itself, so what it costs is what the kernel and Beast
// cost anybody who reads and writes one frame. Usage: echo PORT.
#include "accept.h"

#include <boost/beast/websocket.hpp>

namespace {

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

}  // namespace

int main(int argc, char** argv) {
  return serve<Session>("echo", argc, argv);
}
