// A client's HTTP/1.1 connection: requests one after the other, until one becomes a WebSocket or an
// event stream.
#pragma once

#include "socket/hub.h"

namespace troupe::socket {

enum class Admission {
  welcome,
  full,  // answered 503: the server has all the connections it may have
};

void start_http(Hub& hub, Socket socket, Admission admission);

}  // namespace troupe::socket
