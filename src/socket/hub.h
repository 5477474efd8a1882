// What the connections of one listener have in common: on all shards the Site, on one shard the
// Hub.
#pragma once

#include "base/bounds.h"
#include "base/log.h"
#include "base/random.h"
#include "channel/frame_sink.h"
#include "channel/socket_channels.h"
#include "shard/shard.h"
#include "shard/timer_wheel.h"
#include "socket/addresses.h"
#include "socket/gathering_stream.h"
#include "socket/limits.h"
#include "socket/refused_origins.h"
#include "socket/route.h"
#include "socket/static_files.h"
#include "socket/trampoline.h"
#include "wire/origin.h"
#include "wire/proxies.h"

#include <boost/intrusive/list.hpp>

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::socket {

// Makes the owner of a WebSocket's messages, on the socket's shard. The sink outlives what it
// returns.
using OpenSocket = std::function<std::unique_ptr<channel::MessageHandler>(
    shard::Shard& shard, channel::FrameSink& sink, channel::ConnectInfo info)>;

// What a listener serves. Constant while it serves, but for what counts; from any shard.
struct Site {
  Log& log;
  Limits limits;
  wire::OriginRules origins;
  wire::TrustedProxies trusted_proxies;
  std::optional<StaticFiles> files;
  Routes routes;
  std::vector<std::string> mounts;  // WebSockets are opened at MOUNT/websocket
  OpenSocket open_socket;
  std::string session_key;
  std::unique_ptr<TlsServer> tls;  // null: none
  std::shared_ptr<Addresses> addresses;
  std::atomic<std::size_t> connection_count = 0;
  BoundCounts bounds{};

  // The mount whose WebSockets are opened at this path; nothing when there is none.
  const std::string* mount_of(std::string_view path) const;
};

class Hub;

// One TCP connection, in one of its roles (HTTP, WebSocket, event stream). Shared by the operations
// that are under way for it: it ends when there is none. Lives on its hub's shard; not thread-safe.
class Connection : public std::enable_shared_from_this<Connection>,
                   public boost::intrusive::list_base_hook<
                       boost::intrusive::link_mode<boost::intrusive::auto_unlink>,
                       boost::intrusive::tag<Hub>>,
                   protected shard::TimerWheel::Timeout {
 public:
  explicit Connection(Hub& hub);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  virtual ~Connection();

  // The server goes: what is at hand is finished, then the connection ends.
  virtual void drain() = 0;
  // Ends it at once; what is under way fails.
  virtual void abort() = 0;
  // Like abort(), when the event loop runs no more: afterwards nothing of the hub or above is used.
  void abandon();

 protected:
  Hub& hub() { return *hub_; }
  const Hub& hub() const { return *hub_; }
  bool is_abandoned() const { return hub_ == nullptr; }

 private:
  // Lets go of all that lives above this folder.
  virtual void release() = 0;
  void unlink_from_hub();

  Hub* hub_;
};

// Lives on one shard; not thread-safe. Destroyed after its shard's event loop has stopped.
class Hub {
 public:
  Hub(shard::Shard& shard, Site& site);
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;
  ~Hub();

  shard::Shard& shard;
  Site& site;
  shard::TimerWheel wheel;
  FlushQueue flush_queue;
  Trampoline trampoline;  // of WebSockets' readers
  Random random;

  // Puts the origin that was refused into the log, with what to do.
  void log_refused(std::string_view origin);

  bool is_draining() const { return draining_; }
  // Ends all connections in good order, then calls `done`; those that are left after the time
  // allowed are aborted.
  void drain(std::function<void()> done);

 private:
  friend class Connection;

  class DrainTimeout final : public shard::TimerWheel::Timeout {
   public:
    explicit DrainTimeout(Hub& hub) : hub_(hub) {}

   private:
    void on_timeout() override { hub_.end_drain(); }
    Hub& hub_;
  };

  // The time allowed is over.
  void end_drain();
  void left();

  boost::intrusive::list<Connection,
                         boost::intrusive::base_hook<boost::intrusive::list_base_hook<
                             boost::intrusive::link_mode<boost::intrusive::auto_unlink>,
                             boost::intrusive::tag<Hub>>>,
                         boost::intrusive::constant_time_size<false>>
      connections_;
  RefusedOrigins refused_origins_;
  bool draining_ = false;
  std::function<void()> drained_;
  DrainTimeout drain_timeout_{*this};
};

}  // namespace troupe::socket
