// Whether a client's WebSocket is let in, and with what: the rules, without the socket.
//
// Pure functions over values.
#pragma once

#include "channel/socket_channels.h"
#include "wire/http.h"
#include "wire/origin.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe::socket {

// What a request to a WebSocket's address says. Views of the request.
struct UpgradeRequest {
  bool is_upgrade = false;  // GET over HTTP/1.1 with `Connection: upgrade` and
                            // `Upgrade: websocket`
  std::string_view key;     // Sec-WebSocket-Key
  std::string_view version;
  std::string_view protocols;  // Sec-WebSocket-Protocol, all of them
  std::string_view cookies;
  std::string_view origin;
  wire::OriginVerdict verdict = wire::OriginVerdict::absent;
  std::string_view mount;
  std::string_view remote_address;
  const wire::Parameters& parameters;
  bool secure = false;  // reached us by TLS
};

struct Upgrade {
  std::string key;
  std::string protocol;    // to select; empty when none was offered
  std::string set_cookie;  // the whole header; empty when the client has a
                           // session or may not have one
  channel::ConnectInfo info;
};

struct UpgradeRefusal {
  std::uint16_t status;
  std::string text;  // for the client; Phoenix answers 403 with none
};

// The session cookie is believed when the Origin header is there and passed. A page of this server
// that has none gets one, which counts at once; pages of other sites keep a session of their own (a
// join parameter), since a browser would not send them our cookie again.
boost::system::result<Upgrade, UpgradeRefusal> decide_upgrade(const UpgradeRequest& request,
                                                              std::string_view session_key);

// The whole Set-Cookie header of a new session.
std::string session_set_cookie(std::string_view session, bool secure);

}  // namespace troupe::socket
