// Where clients come in: HTTP/1.1 and WebSockets on some addresses, on all shards.
//
// Each shard accepts for itself (the kernel spreads the connections), and a connection stays where
// it was accepted. Answers are made by the routes, then by the folder of static files. WebSockets
// are opened at MOUNT/websocket; their messages go to what `open_socket` made.
#pragma once

#include "base/log.h"
#include "base/result.h"
#include "shard/shard.h"
#include "socket/hub.h"
#include "socket/limits.h"
#include "socket/route.h"

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace troupe::socket {

struct ListenerOptions {
  // "127.0.0.1:4000", "[::1]:4000", "localhost:4000"; port 0 lets the system choose one. An IPv6
  // address takes no IPv4.
  std::vector<std::string> listen;
  // What an error about one of them tells people to change.
  std::string listen_setting = "--listen, or `listen` under [http] in the configuration";
  std::filesystem::path static_root;  // empty: no static files
  std::vector<std::string> origins;   // see wire::OriginRules; the own origin is always allowed
  std::vector<std::string> trusted_proxies;  // see wire::TrustedProxies
  std::vector<Route> routes;                 // `GET /healthz` comes with the listener
  std::vector<std::string> mounts = {"/socket"};
  OpenSocket open_socket;   // without it there are no WebSockets, whatever the mounts
  std::string session_key;  // of the server; makes session letters
  TlsFiles tls;
  Limits limits;
};

// Created and destroyed while no shard runs, or after drain(); otherwise from the thread that owns
// the shards.
class Listener {
 public:
  // Takes the addresses; clients may connect, and wait until start(). An error names what is wrong
  // with an option and what to do.
  static Result<std::unique_ptr<Listener>> create(ListenerOptions options,
                                                  shard::Shards& shards,
                                                  Log& log);
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  // Ends what is left at once. The shards must have stopped; their event loops must still be there.
  ~Listener();

  // The addresses taken, with the ports that the system chose.
  const std::vector<std::string>& addresses() const { return addresses_; }

  // Open connections of all shards, at this moment.
  std::size_t connection_count() const { return site_->connection_count; }

  // How often clients have reached the bounds of their connections.
  const BoundCounts& bounds() const { return site_->bounds; }

  // Reads certificate and key again, for clients that come from now on; nothing without TLS. An
  // error names the file that is wrong; then nothing has changed. From any thread.
  Result<void> reload_tls();

  void start();

  // Accepts no more, closes WebSockets with 1012, ends event streams, lets requests finish; waits
  // for it, up to `drain_timeout`. The shards must be running.
  void drain();

 private:
  class Door;

  Listener(shard::Shards& shards, std::unique_ptr<Site> site);
  Result<void> open(const std::string& address, const std::string& setting);

  shard::Shards& shards_;
  std::unique_ptr<Site> site_;
  std::vector<std::unique_ptr<Hub>> hubs_;    // of each shard
  std::vector<std::unique_ptr<Door>> doors_;  // of each shard and address
  std::vector<std::string> addresses_;
};

}  // namespace troupe::socket
