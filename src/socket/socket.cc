#include "socket/socket.h"

#include <sys/socket.h>

#include <algorithm>

namespace troupe::socket {

Socket::Socket(TcpSocket tcp, std::unique_ptr<TlsSession> tls)
    : tcp_(std::move(tcp)), tls_(std::move(tls)) {
  ErrorCode ignored;
  if (tls_) tcp_.native_non_blocking(true, ignored);
}

std::string Socket::peer() const {
  ErrorCode error;
  const auto endpoint = tcp_.remote_endpoint(error);
  return error ? std::string() : endpoint.address().to_string();
}

std::size_t Socket::send_now(std::string_view bytes, ErrorCode& error) {
  error = {};
  if (!is_open()) {
    error = boost::asio::error::operation_aborted;
    return 0;
  }
  if (tls_) {
    std::size_t sent = 0;
    while (sent < bytes.size()) {
      const TlsSession::Step step = tls_->write(bytes.data() + sent, bytes.size() - sent);
      sent += step.bytes;
      error = step.error;
      if (step.error || step.wait != TlsSession::Wait::none) break;
    }
    return sent;
  }
  ssize_t taken = 0;
  do {
    taken = ::send(tcp_.native_handle(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (taken < 0 && errno == EINTR);
  if (taken < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
    error.assign(errno, boost::system::system_category());
  }
  return static_cast<std::size_t>(std::max<ssize_t>(taken, 0));
}

void Socket::end_sending(ErrorCode& error) {
  if (tls_ && is_open()) tls_->end();
  tcp_.shutdown(TcpSocket::shutdown_send, error);
}

}  // namespace troupe::socket
