// The floor under a call over HTTP: an echo on Boost.Beast, one thread, keep-alive, nothing else.
//
// It answers each request with its body, whatever it asks for. Usage: http PORT.
#include "accept.h"

#include <boost/beast/http.hpp>

namespace http = beast::http;

namespace {

// Owned by the handler that is pending; gone with the first error.
class Session : public std::enable_shared_from_this<Session> {
 public:
  explicit Session(tcp::socket socket) : socket_(std::move(socket)) {}

  void run() {
    socket_.set_option(tcp::no_delay(true));
    read();
  }

 private:
  void read() {
    request_ = {};
    http::async_read(socket_,
                     buffer_,
                     request_,
                     [self = shared_from_this()](beast::error_code error, std::size_t) {
                       if (!error) self->write();
                     });
  }

  void write() {
    response_ = http::response<http::string_body>(
        http::status::ok, request_.version(), std::move(request_.body()));
    response_.keep_alive(request_.keep_alive());
    response_.prepare_payload();
    http::async_write(
        socket_, response_, [self = shared_from_this()](beast::error_code error, std::size_t) {
          if (!error && self->response_.keep_alive()) self->read();
        });
  }

  tcp::socket socket_;
  beast::flat_buffer buffer_;
  http::request<http::string_body> request_;
  http::response<http::string_body> response_;
};

}  // namespace

int main(int argc, char** argv) {
  return serve<Session>("http", argc, argv);
}
