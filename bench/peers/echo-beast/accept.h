// What the echoes share: one thread that accepts connections on a port of this machine.
#pragma once

#include <boost/asio.hpp>
#include <boost/beast/core.hpp>

#include <charconv>
#include <cstring>
#include <exception>
#include <iostream>
#include <memory>
#include <utility>

namespace asio = boost::asio;
namespace beast = boost::beast;
using tcp = asio::ip::tcp;

// As many as the load may have waiting when it opens thousands of sockets.
constexpr int kBacklog = 4096;

template <class Session>
void accept(tcp::acceptor& acceptor) {
  acceptor.async_accept([&acceptor](beast::error_code error, tcp::socket socket) {
    if (!error) std::make_shared<Session>(std::move(socket))->run();
    accept<Session>(acceptor);
  });
}

// A Session is made of a socket, and lives on by its own handlers after run(). What main() returns.
template <class Session>
int serve(const char* name, int argc, char** argv) {
  unsigned short port = 0;
  const char* end = argc == 2 ? argv[1] + std::strlen(argv[1]) : nullptr;
  if (argc != 2 || std::from_chars(argv[1], end, port).ptr != end) {
    std::cerr << "usage: " << name << " PORT\n";
    return 2;
  }
  try {
    asio::io_context io{1};
    tcp::acceptor acceptor{io};
    acceptor.open(tcp::v4());
    acceptor.set_option(asio::socket_base::reuse_address(true));
    acceptor.bind({asio::ip::address_v4::loopback(), port});
    acceptor.listen(kBacklog);
    accept<Session>(acceptor);
    io.run();
  } catch (const std::exception& error) {
    std::cerr << name << ": port " << port << ": " << error.what() << "\n";
    return 1;
  }
  return 0;
}
