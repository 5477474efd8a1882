// A client's WebSocket.
#pragma once

#include "socket/hub.h"
#include "socket/upgrade.h"

namespace troupe::socket {

// Answers the handshake with 101 and serves the socket until it ends. Nothing of the client may
// have been read beyond its request.
void start_websocket(Hub& hub, Socket socket, Upgrade upgrade);

}  // namespace troupe::socket
