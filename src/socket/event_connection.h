// An answer of Server-Sent Events.
#pragma once

#include "socket/hub.h"
#include "wire/http.h"

#include <memory>
#include <string_view>

namespace troupe::socket {

// Sends the response's header and keeps the connection for what is sent later. The stream ends when
// the client goes, does not read, is closed, or when what is returned has been released.
std::shared_ptr<wire::EventStream> start_event_stream(Hub& hub,
                                                      Socket socket,
                                                      std::string_view header);

// A stream whose client has gone.
std::shared_ptr<wire::EventStream> ended_event_stream();

}  // namespace troupe::socket
