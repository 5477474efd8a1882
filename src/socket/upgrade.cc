#include "socket/upgrade.h"

#include "wire/cookie.h"
#include "wire/phoenix.h"
#include "wire/session_id.h"
#include "wire/uri.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstddef>
#include <utility>

namespace troupe::socket {

namespace {

constexpr std::string_view phoenix_protocol = "phoenix";
constexpr std::size_t key_letters = 24;  // base64 of 16 bytes

bool offers(std::string_view protocols, std::string_view wanted) {
  while (!protocols.empty()) {
    const std::size_t end = std::min(protocols.find(','), protocols.size());
    std::string_view protocol = protocols.substr(0, end);
    protocols.remove_prefix(std::min(end + 1, protocols.size()));
    while (protocol.starts_with(' ')) protocol.remove_prefix(1);
    while (protocol.ends_with(' ')) protocol.remove_suffix(1);
    if (protocol == wanted) return true;
  }
  return false;
}

}  // namespace

boost::system::result<Upgrade, UpgradeRefusal> decide_upgrade(const UpgradeRequest& request,
                                                              std::string_view session_key) {
  if (!request.is_upgrade) {
    return UpgradeRefusal{400,
                          "This is the address of a WebSocket; open it with phoenix.js or another "
                          "client of Phoenix Channels.\n"};
  }
  if (request.version != "13")
    return UpgradeRefusal{426, "Version 13 of WebSocket is spoken here.\n"};
  if (request.key.size() != key_letters) {
    return UpgradeRefusal{400, "Sec-WebSocket-Key is missing or has not 24 letters.\n"};
  }
  if (request.verdict == wire::OriginVerdict::refused) return UpgradeRefusal{403, ""};
  const std::string* vsn = wire::find_parameter(request.parameters, "vsn");
  if (vsn == nullptr || !wire::speaks_version_2(*vsn)) return UpgradeRefusal{403, ""};
  if (!request.protocols.empty() && !offers(request.protocols, phoenix_protocol)) {
    return UpgradeRefusal{403, ""};
  }

  Upgrade upgrade;
  upgrade.key = request.key;
  if (!request.protocols.empty()) upgrade.protocol = phoenix_protocol;
  upgrade.info.origin = request.origin;
  upgrade.info.remote_address = request.remote_address;
  upgrade.info.mount = request.mount;
  for (const auto& [name, value] : request.parameters) {
    if (name != "vsn") upgrade.info.params.emplace_back(name, value);
  }
  std::string session;
  if (request.verdict != wire::OriginVerdict::absent) {
    session = wire::find_cookie(request.cookies, wire::session_cookie);
    if (!wire::is_session(session)) session.clear();
  }
  if (session.empty() && request.verdict == wire::OriginVerdict::own) {
    session = wire::new_session();
    upgrade.set_cookie = session_set_cookie(session, request.secure);
  }
  if (!session.empty()) {
    upgrade.info.session = wire::session_letters(session_key, wire::cookie_sessions, session);
  }
  return upgrade;
}

std::string session_set_cookie(std::string_view session, bool secure) {
  return fmt::format("{}={}; Path=/; HttpOnly; SameSite=Lax{}",
                     wire::session_cookie,
                     session,
                     secure ? "; Secure" : "");
}

}  // namespace troupe::socket
