// All channels of one WebSocket: what Phoenix calls a socket.
//
// Speaks Phoenix Channels V2 (wire/phoenix.h): joins, leaves, heartbeats and events, each topic a
// channel of its own. Owned by the WebSocket's connection in socket/, which hands in whole messages
// and sends what comes out through the FrameSink. Lives on the socket's shard; not thread-safe.
#pragma once

#include "channel/address_use.h"
#include "channel/frame_sink.h"
#include "wire/http.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace troupe::channel {

struct Context;

// What is known of a client when its WebSocket opens.
struct ConnectInfo {
  std::string session;         // 16 letters that stand for the believed cookie; empty without one
  std::string origin;          // the Origin header; empty without one
  std::string remote_address;  // after trusted proxies
  std::string mount;           // where the socket was opened: "/socket"
  wire::Parameters params;     // of the socket's URL, without vsn
  // Shared with the other sockets of that address; null: it is not counted.
  std::shared_ptr<AddressUse> address_use;
};

class SocketChannels final : public MessageHandler {
 public:
  SocketChannels(Context& context, FrameSink& sink, ConnectInfo info);
  SocketChannels(const SocketChannels&) = delete;
  SocketChannels& operator=(const SocketChannels&) = delete;
  // Leaves every topic: actors that end with their channel end now.
  ~SocketChannels() override;

  // One whole message. A malformed one closes the socket with 1011.
  void on_text(std::string_view message) override;
  void on_binary(std::string_view message) override;

  // The socket's unsent bytes have fallen to zero after they had stood above the bound: viewers
  // that missed patches meanwhile get the state whole.
  void on_drained() override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace troupe::channel
