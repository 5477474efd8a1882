#include "socket/route.h"

#include <algorithm>
#include <cassert>
#include <cstddef>

namespace troupe::socket {

Responder::~Responder() {
  if (exchange_) {
    answer(text_response(500, "The server lost this request. The log may say why.\n"));
  }
}

void Responder::answer(wire::Response response) {
  assert(exchange_ && "a request is answered once");
  std::exchange(exchange_, nullptr)->answer(std::move(response));
}

std::shared_ptr<wire::EventStream> Responder::start_events() {
  assert(exchange_ && "a request is answered once");
  return std::exchange(exchange_, nullptr)->start_events();
}

RouteHandler answer_with(std::function<wire::Response(const wire::Request&)> answer) {
  return [answer = std::move(answer)](shard::Shard&,
                                      const wire::Request& request,
                                      Responder responder) { responder.answer(answer(request)); };
}

wire::Response text_response(std::uint16_t status, std::string text) {
  return {.status = status, .content_type = "text/plain; charset=utf-8", .body = std::move(text)};
}

Routes::Routes(std::vector<Route> routes) : routes_(std::move(routes)) {
  std::stable_sort(routes_.begin(), routes_.end(), [](const Route& a, const Route& b) {
    return a.path.size() > b.path.size();
  });
}

bool Routes::have_body_bounds() const {
  return std::any_of(
      routes_.begin(), routes_.end(), [](const Route& route) { return route.body_bytes_max != 0; });
}

const Route* Routes::find(std::string_view path) const {
  const auto is_exact = [&](const Route& route) { return route.path == path; };
  const auto is_above = [&](const Route& route) {
    std::string_view prefix = route.path;
    if (!prefix.ends_with("/*")) return false;
    prefix.remove_suffix(1);
    return path.starts_with(prefix) || path == prefix.substr(0, prefix.size() - 1);
  };
  auto found = std::find_if(routes_.begin(), routes_.end(), is_exact);
  if (found == routes_.end()) found = std::find_if(routes_.begin(), routes_.end(), is_above);
  return found == routes_.end() ? nullptr : &*found;
}

}  // namespace troupe::socket
