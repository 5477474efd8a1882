#include "socket/listener.h"

#include "base/clock.h"
#include "socket/http_connection.h"

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <fmt/format.h>
#include <sys/socket.h>

#include <cerrno>
#include <charconv>
#include <latch>
#include <optional>
#include <string_view>
#include <utility>

namespace troupe::socket {

namespace asio = boost::asio;
using Tcp = asio::ip::tcp;

namespace {

using Acceptor = asio::basic_socket_acceptor<Tcp, shard::Executor>;
using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

constexpr int backlog = 4096;
// Beyond connections_max so many clients are told so; the next are dropped without a word.
constexpr std::size_t refused_connections_max = 256;
// When the process has no file descriptor left.
constexpr std::chrono::milliseconds accept_pause{500};

Result<Tcp::endpoint> parse_address(const std::string& text) {
  const Error malformed{
      fmt::format("\"{}\" is no address to listen at; write \"127.0.0.1:4000\", \"[::1]:4000\" or "
                  "\"localhost:4000\"",
                  text)};
  const std::size_t colon = text.rfind(':');
  if (colon == text.npos) return malformed;
  std::string host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != host.npos) {
    return malformed;
  }
  if (host == "localhost") host = "127.0.0.1";
  std::uint16_t port = 0;
  const char* end = text.data() + text.size();
  const auto [read, failure] = std::from_chars(text.data() + colon + 1, end, port);
  ErrorCode error;
  const auto ip = asio::ip::make_address(host, error);
  if (error || failure != std::errc() || read != end || colon + 1 == text.size()) return malformed;
  return Tcp::endpoint(ip, port);
}

std::string text_of(const Tcp::endpoint& endpoint) {
  const std::string ip = endpoint.address().to_string();
  if (endpoint.address().is_v6()) return fmt::format("[{}]:{}", ip, endpoint.port());
  return fmt::format("{}:{}", ip, endpoint.port());
}

// Tells whether another program listens there: once SO_REUSEPORT is set the kernel would let us
// share the port with another server of the same user.
ErrorCode probe(asio::io_context& io, const Tcp::endpoint& endpoint) {
  ErrorCode error;
  Acceptor acceptor(io.get_executor());
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(Acceptor::reuse_address(true), error);
  if (!error && endpoint.address().is_v6()) acceptor.set_option(asio::ip::v6_only(true), error);
  if (!error) acceptor.bind(endpoint, error);
  return error;
}

}  // namespace

// One address on one shard.
class Listener::Door final : private shard::TimerWheel::Timeout {
 public:
  explicit Door(Hub& hub) : hub_(hub), acceptor_(hub.shard.io().get_executor()) {}

  ErrorCode open(const Tcp::endpoint& endpoint) {
    ErrorCode error;
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(Acceptor::reuse_address(true), error);
    if (!error) acceptor_.set_option(ReusePort(true), error);
    if (!error && endpoint.address().is_v6()) acceptor_.set_option(asio::ip::v6_only(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(backlog, error);
    return error;
  }

  Tcp::endpoint endpoint() const { return acceptor_.local_endpoint(); }

  void accept() {
    acceptor_.async_accept([this](ErrorCode error, TcpSocket socket) {
      if (error == asio::error::operation_aborted) return;
      if (!error) {
        admit(std::move(socket));
      } else if (error != asio::error::connection_aborted) {
        hub_.site.log.error("no connection can be accepted: {}; trying again", error.message());
        return hub_.wheel.set(*this, accept_pause);
      }
      accept();
    });
  }

  void close() {
    cancel();
    ErrorCode ignored;
    acceptor_.close(ignored);
  }

 private:
  void admit(TcpSocket socket) {
    Site& site = hub_.site;
    const std::size_t count = site.connection_count;
    const std::size_t max = site.limits.connections_max;
    if (count >= max) site.bounds.reached(Bound::connections);
    if (count >= max + refused_connections_max) return;
    ErrorCode error;
    socket.set_option(Tcp::no_delay(true), error);
    const std::string peer = socket.remote_endpoint(error).address().to_string();
    if (error) return;  // it has gone already
    Addresses::Entrance entrance{.is_welcome = true};
    // Behind a proxy are many; each is counted when it opens a WebSocket.
    if (!site.trusted_proxies.trust(peer)) {
      entrance = site.addresses->enter(peer, SystemClock().now_ns());
      if (!entrance.is_welcome) site.bounds.reached(Bound::address_connections);
      if (!entrance.visit) return;
    }
    std::unique_ptr<TlsSession> tls;
    if (site.tls) tls = site.tls->accept(socket.native_handle());
    start_http(hub_,
               Socket(std::move(socket), std::move(tls)),
               count < max && entrance.is_welcome ? Admission::welcome : Admission::full,
               std::move(entrance.visit));
  }

  void on_timeout() override { accept(); }

  Hub& hub_;
  Acceptor acceptor_;
};

Listener::Listener(shard::Shards& shards, std::unique_ptr<Site> site)
    : shards_(shards), site_(std::move(site)) {
  for (std::size_t i = 0; i < shards.size(); ++i) {
    hubs_.push_back(std::make_unique<Hub>(shards[i], *site_));
  }
}

Listener::~Listener() = default;

Result<std::unique_ptr<Listener>> Listener::create(ListenerOptions options,
                                                   shard::Shards& shards,
                                                   Log& log) {
  TRY(wire::OriginRules origins, wire::OriginRules::parse(options.origins));
  TRY(wire::TrustedProxies proxies, wire::TrustedProxies::parse(options.trusted_proxies));
  std::optional<StaticFiles> files;
  if (!options.static_root.empty()) {
    TRY(files, StaticFiles::create(options.static_root));
  }
  std::unique_ptr<TlsServer> tls;
  if (!options.tls.certificate.empty()) {
    TRY(tls, TlsServer::create(std::move(options.tls)));
  }
  options.routes.push_back(
      {.path = "/healthz", .methods = {"GET"}, .handler = answer_with([](const wire::Request&) {
                                                 return text_response(200, "ok\n");
                                               })});
  if (!options.open_socket) options.mounts.clear();

  auto site = std::unique_ptr<Site>(
      new Site{.log = log,
               .limits = options.limits,
               .origins = std::move(origins),
               .trusted_proxies = std::move(proxies),
               .files = std::move(files),
               .routes = Routes(std::move(options.routes)),
               .mounts = std::move(options.mounts),
               .open_socket = std::move(options.open_socket),
               .session_key = std::move(options.session_key),
               .tls = std::move(tls),
               .addresses = std::make_shared<Addresses>(options.limits.address_connections_max,
                                                        options.limits.address)});
  std::unique_ptr<Listener> listener(new Listener(shards, std::move(site)));
  for (const std::string& address : options.listen) {
    TRY_VOID(listener->open(address, options.listen_setting));
  }
  return listener;
}

Result<void> Listener::open(const std::string& address, const std::string& setting) {
  TRY(Tcp::endpoint endpoint, parse_address(address));
  ErrorCode error = probe(shards_[0].io(), endpoint);
  for (const auto& hub : hubs_) {
    if (error) break;
    auto door = std::make_unique<Door>(*hub);
    error = door->open(endpoint);
    if (error) break;
    // The other shards share the port that the system chose for the first.
    endpoint = door->endpoint();
    doors_.push_back(std::move(door));
  }
  if (error == asio::error::address_in_use) {
    return Error{
        fmt::format("{} is in use by another program; stop it, or choose another address with {}",
                    address,
                    setting)};
  }
  if (error) {
    return Error{fmt::format("cannot listen at {}: {}; choose another address with {}",
                             address,
                             error.message(),
                             setting)};
  }
  addresses_.push_back(text_of(endpoint));
  return {};
}

Result<void> Listener::reload_tls() {
  return site_->tls ? site_->tls->reload() : Result<void>();
}

void Listener::start() {
  // Doors lie by address, then by shard.
  for (std::size_t shard = 0; shard < hubs_.size(); ++shard) {
    shards_[shard].send([this, shard] {
      hubs_[shard]->wheel.start();
      for (std::size_t i = shard; i < doors_.size(); i += hubs_.size()) doors_[i]->accept();
    });
  }
}

void Listener::drain() {
  // Shared with the last shard, which may still be within count_down() when we have been woken.
  const auto drained = std::make_shared<std::latch>(static_cast<std::ptrdiff_t>(hubs_.size()));
  for (std::size_t shard = 0; shard < hubs_.size(); ++shard) {
    shards_[shard].send([this, shard, drained] {
      for (std::size_t i = shard; i < doors_.size(); i += hubs_.size()) doors_[i]->close();
      Hub& hub = *hubs_[shard];
      hub.drain([&hub, drained] {
        hub.wheel.stop();
        drained->count_down();
      });
    });
  }
  drained->wait();
}

}  // namespace troupe::socket
