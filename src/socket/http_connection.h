// A client's HTTP/1.1 connection: requests one after the other, until one becomes a WebSocket or an
// event stream.
#pragma once

#include "socket/hub.h"

namespace troupe::socket {

enum class Admission {
  welcome,
  full,  // answered 503: the server, or the address, has all the connections it may have
};

// `visit` is null for a connection that is not its address's alone: a proxy's.
void start_http(Hub& hub, Socket socket, Admission admission, Addresses::Visit visit);

}  // namespace troupe::socket
