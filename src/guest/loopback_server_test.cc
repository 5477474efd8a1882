#include "guest/loopback_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdlib>
#include <stdexcept>
#include <unistd.h>

namespace troupe::guest::test {

namespace {

// False when the client has hung up.
bool read_more(int socket, std::string& bytes) {
  char buffer[65536];
  const ssize_t count = ::recv(socket, buffer, sizeof buffer, 0);
  if (count <= 0) return false;
  bytes.append(buffer, static_cast<std::size_t>(count));
  return true;
}

bool send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

}  // namespace

std::string ReceivedRequest::header(std::string_view name) const {
  const std::string start = "\r\n" + std::string(name) + ": ";
  const std::size_t at = head.find(start);
  if (at == std::string::npos) return {};
  const std::size_t begin = at + start.size();
  return head.substr(begin, head.find("\r\n", begin) - begin);
}

LoopbackServer::LoopbackServer(Answer answer) : answer_(std::move(answer)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  auto* const at = reinterpret_cast<sockaddr*>(&address);
  if (listener_ < 0 || ::bind(listener_, at, length) != 0 || ::listen(listener_, 512) != 0 ||
      ::getsockname(listener_, at, &length) != 0) {
    throw std::runtime_error("no port to listen on");
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_all(); });
}

LoopbackServer::~LoopbackServer() {
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  ::close(listener_);
  {
    const std::lock_guard lock(mutex_);
    for (const int socket : sockets_) ::shutdown(socket, SHUT_RDWR);
  }
  for (std::thread& thread : threads_) thread.join();
  for (const int socket : sockets_) ::close(socket);
}

void LoopbackServer::accept_all() {
  while (true) {
    const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) return;
    ++connections_;
    ++open_connections_;
    const std::lock_guard lock(mutex_);
    sockets_.push_back(socket);
    threads_.emplace_back([this, socket] {
      serve(socket);
      ::shutdown(socket, SHUT_RDWR);
      --open_connections_;
    });
  }
}

void LoopbackServer::serve(int socket) {
  std::string bytes;
  while (true) {
    std::size_t end = 0;
    while ((end = bytes.find("\r\n\r\n")) == std::string::npos) {
      if (!read_more(socket, bytes)) return;
    }
    ReceivedRequest request;
    request.head = bytes.substr(0, end + 2);
    request.method = request.head.substr(0, request.head.find(' '));
    const std::size_t path = request.method.size() + 1;
    request.path = request.head.substr(path, request.head.find(' ', path) - path);
    const std::size_t length =
        static_cast<std::size_t>(std::atoll(request.header("Content-Length").c_str()));
    bytes.erase(0, end + 4);
    while (bytes.size() < length) {
      if (!read_more(socket, bytes)) return;
    }
    request.body = bytes.substr(0, length);
    bytes.erase(0, length);
    {
      const std::lock_guard lock(mutex_);
      received_.push_back(request);
    }
    const std::string answer = answer_(request);
    if (answer == hang_up || !send_all(socket, answer)) return;
  }
}

std::string LoopbackServer::url(std::string_view path, std::string_view host) const {
  return "http://" + std::string(host) + ":" + std::to_string(port_) + std::string(path);
}

std::vector<ReceivedRequest> LoopbackServer::received() const {
  const std::lock_guard lock(mutex_);
  return received_;
}

std::string answer_of(std::string_view body, std::string_view status, std::string_view headers) {
  return "HTTP/1.1 " + std::string(status) + "\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n" + std::string(headers) + "\r\n" + std::string(body);
}

}  // namespace troupe::guest::test
