// TLS between a TCP socket and what reads and writes it: certificates, and one client's session.
//
// The one place that knows OpenSSL. A session works on a socket that never blocks; each step says
// what to wait for. TLS 1.2 and 1.3, by OpenSSL's own choice of ciphers. OpenSSL writes to the
// socket itself, so the process ignores SIGPIPE.
#pragma once

#include "base/result.h"

#include <boost/system/error_code.hpp>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <mutex>

struct ssl_ctx_st;
struct ssl_st;

namespace troupe::socket {

// Where a listener's certificate and its key lie, as PEM; the certificate first, then those of the
// authorities between it and a root. Both empty: no TLS.
struct TlsFiles {
  std::filesystem::path certificate;
  std::filesystem::path key;
};

// One client's session. Lives on the socket's shard; not thread-safe.
class TlsSession {
 public:
  enum class Wait { none, readable, writable };
  // `wait` says when to try again; with none the step is done, or has failed with `error`.
  struct Step {
    Wait wait = Wait::none;
    boost::system::error_code error;
    std::size_t bytes = 0;
  };

  TlsSession(ssl_st* session, int socket);
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;
  ~TlsSession();

  Step handshake();
  // The client spoke HTTP without TLS; nothing was taken by the handshake that failed.
  bool is_plain_http() const { return is_plain_http_; }
  Step read(void* bytes, std::size_t size);
  // Takes a part of the bytes. One that had to wait is tried again with the same bytes in front.
  Step write(const void* bytes, std::size_t size);
  // Tells the client that nothing follows, as far as the kernel takes it.
  void end();

 private:
  Step step_of(int result);

  ssl_st* const session_;
  bool is_plain_http_ = false;
};

// Thread-safe.
class TlsServer {
 public:
  // An error names the file and what is wrong with it.
  static Result<std::unique_ptr<TlsServer>> create(TlsFiles files);
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;
  ~TlsServer();

  // Reads the files again, for clients that come from now on. On an error nothing has changed.
  Result<void> reload();

  // For a client that has just connected.
  std::unique_ptr<TlsSession> accept(int socket);

 private:
  struct FreeContext {
    void operator()(ssl_ctx_st* context) const;
  };
  using Context = std::unique_ptr<ssl_ctx_st, FreeContext>;

  TlsServer(TlsFiles files, Context context);
  static Result<Context> load(const TlsFiles& files);

  const TlsFiles files_;
  std::mutex mutex_;  // guards what follows
  Context context_;
};

}  // namespace troupe::socket
