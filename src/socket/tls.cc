#include "socket/tls.h"

#include <boost/asio/error.hpp>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <cerrno>
#include <utility>

namespace troupe::socket {

namespace {

// What OpenSSL's queue of errors says first; the queue is empty afterwards.
std::string take_reason() {
  const unsigned long code = ::ERR_get_error();  // NOLINT(google-runtime-int): OpenSSL's type
  ::ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ::ERR_reason_error_string(code);
  return reason == nullptr ? "it cannot be read" : reason;
}

Error mistake(const std::filesystem::path& file, std::string_view what) {
  return Error{fmt::format("{} is no {} that TLS can use: {}", file.string(), what, take_reason())};
}

}  // namespace

TlsSession::TlsSession(ssl_st* session, int socket) : session_(session) {
  ::SSL_set_fd(session_, socket);
  ::SSL_set_accept_state(session_);
}

TlsSession::~TlsSession() {
  ::SSL_free(session_);
}

TlsSession::Step TlsSession::step_of(int result) {
  const int system_error = errno;
  switch (::SSL_get_error(session_, result)) {
    case SSL_ERROR_NONE:
      return {};
    case SSL_ERROR_WANT_READ:
      return {.wait = Wait::readable};
    case SSL_ERROR_WANT_WRITE:
      return {.wait = Wait::writable};
    case SSL_ERROR_ZERO_RETURN:
      return {.error = boost::asio::error::eof};
    case SSL_ERROR_SYSCALL:
      ::ERR_clear_error();
      // 0: the client has gone without a word of goodbye.
      if (system_error == 0) return {.error = boost::asio::error::eof};
      return {.error = {system_error, boost::system::system_category()}};
    default:
      is_plain_http_ = ERR_GET_REASON(::ERR_peek_error()) == SSL_R_HTTP_REQUEST;
      ::ERR_clear_error();
      return {.error = boost::asio::error::connection_aborted};
  }
}

TlsSession::Step TlsSession::handshake() {
  ::ERR_clear_error();
  errno = 0;
  return step_of(::SSL_do_handshake(session_));
}

TlsSession::Step TlsSession::read(void* bytes, std::size_t size) {
  ::ERR_clear_error();
  errno = 0;
  std::size_t got = 0;
  const int result = ::SSL_read_ex(session_, bytes, size, &got);
  Step step = step_of(result);
  step.bytes = got;
  return step;
}

TlsSession::Step TlsSession::write(const void* bytes, std::size_t size) {
  ::ERR_clear_error();
  errno = 0;
  std::size_t taken = 0;
  const int result = ::SSL_write_ex(session_, bytes, size, &taken);
  Step step = step_of(result);
  step.bytes = taken;
  return step;
}

void TlsSession::end() {
  ::ERR_clear_error();
  if (::SSL_is_init_finished(session_) == 1) ::SSL_shutdown(session_);
  ::ERR_clear_error();
}

void TlsServer::FreeContext::operator()(ssl_ctx_st* context) const {
  ::SSL_CTX_free(context);
}

TlsServer::TlsServer(TlsFiles files, Context context)
    : files_(std::move(files)), context_(std::move(context)) {}

TlsServer::~TlsServer() = default;

Result<TlsServer::Context> TlsServer::load(const TlsFiles& files) {
  ::ERR_clear_error();
  Context context(::SSL_CTX_new(::TLS_server_method()));
  if (!context) return Error{fmt::format("OpenSSL cannot serve TLS: {}", take_reason())};
  ::SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  // A client that renegotiates could let a write wait for something to be read.
  ::SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  // Who waits for room has more to send by then; and an idle client keeps no buffers.
  ::SSL_CTX_set_mode(context.get(),
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                         SSL_MODE_RELEASE_BUFFERS);
  if (::SSL_CTX_use_certificate_chain_file(context.get(), files.certificate.c_str()) != 1) {
    return mistake(files.certificate, "certificate in PEM");
  }
  if (::SSL_CTX_use_PrivateKey_file(context.get(), files.key.c_str(), SSL_FILETYPE_PEM) != 1) {
    if (ERR_GET_REASON(::ERR_peek_last_error()) != X509_R_KEY_VALUES_MISMATCH) {
      return mistake(files.key, "private key in PEM");
    }
    ::ERR_clear_error();
    return Error{fmt::format("{} is not the key of the certificate in {}",
                             files.key.string(),
                             files.certificate.string())};
  }
  return context;
}

Result<std::unique_ptr<TlsServer>> TlsServer::create(TlsFiles files) {
  TRY(Context context, load(files));
  return std::unique_ptr<TlsServer>(new TlsServer(std::move(files), std::move(context)));
}

Result<void> TlsServer::reload() {
  TRY(Context context, load(files_));
  const std::lock_guard lock(mutex_);
  context_ = std::move(context);  // sessions that live hold the old one
  return {};
}

std::unique_ptr<TlsSession> TlsServer::accept(int socket) {
  const std::lock_guard lock(mutex_);
  ssl_st* session = ::SSL_new(context_.get());
  return session == nullptr ? nullptr : std::make_unique<TlsSession>(session, socket);
}

}  // namespace troupe::socket
