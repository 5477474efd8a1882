// For tests: an HTTP server on 127.0.0.1 that answers as told, byte for byte.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace troupe::guest::test {

struct ReceivedRequest {
  std::string method;
  std::string path;
  std::string head;  // the request line and the headers as they came
  std::string body;

  // Of a header by its name as it was sent; empty without one.
  std::string header(std::string_view name) const;
};

// One thread for each connection, which reads a request, sends what `answer` gives for it, and
// reads the next one, until the client hangs up or an answer begins with `hang_up`.
class LoopbackServer {
 public:
  using Answer = std::function<std::string(const ReceivedRequest&)>;
  static constexpr std::string_view hang_up = "HANG UP";

  explicit LoopbackServer(Answer answer);
  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;
  ~LoopbackServer();

  int port() const { return port_; }
  std::string url(std::string_view path, std::string_view host = "127.0.0.1") const;
  std::vector<ReceivedRequest> received() const;
  int connections() const { return connections_; }  // opened so far
  int open_connections() const { return open_connections_; }

 private:
  void accept_all();
  void serve(int socket);

  const Answer answer_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<int> connections_ = 0;
  std::atomic<int> open_connections_ = 0;
  mutable std::mutex mutex_;
  std::vector<ReceivedRequest> received_;
  std::vector<int> sockets_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

// An answer of HTTP with a length.
std::string answer_of(std::string_view body,
                      std::string_view status = "200 OK",
                      std::string_view headers = {});

}  // namespace troupe::guest::test
