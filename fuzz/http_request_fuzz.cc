// No request's JSON, URL or placeholder leads astray: what is read can stand in a request, a URL
// read again is the same, and a secret is filled in whole or not at all.
#include "fuzz/check.h"
#include "guest/http_policy.h"
#include "guest/http_request.h"
#include "guest/http_url.h"
#include "guest/secrets.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

using namespace troupe::guest;

namespace {

constexpr std::string_view value = "a secret/of%20Eve";

const Secrets& secrets() {
  static const Secrets made = [] {
    Secrets secrets;
    secrets.add("A", value, {"api.example.com"}).value();
    return secrets;
  }();
  return made;
}

void try_url(std::string_view text) {
  const auto url = HttpUrl::parse(text);
  if (!url) return;
  check(url->host().find_first_of("/@?#{}\r\n ") == std::string::npos);
  const auto again = HttpUrl::parse(url->text());
  // What is encoded takes more room.
  if (!again) {
    check(url->text().size() > HttpUrl::bytes_max);
    return;
  }
  check(again->origin() == url->origin() && again->text() == url->text());

  const auto filled = secrets().fill(
      url->text(), {.host = url->host(), .stays_secret = true, .place = Secrets::Place::url});
  if (!filled) return;
  check(!has_placeholder(url->text()) || url->host() == "api.example.com");
  const auto target = HttpUrl::parse(filled->view());
  if (target) check(target->origin() == url->origin());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try_url(text);
  const std::size_t middle = size / 2;
  matches_host(text.substr(0, middle), text.substr(middle));
  std::string hidden(text);
  secrets().hide(hidden);
  check(hidden.find(value) == std::string::npos);
  const auto request = read_http_request(text);
  if (!request) return 0;
  try_url(request->url);
  for (const auto& [name, header] : request->headers) {
    check(name.find_first_of(":\r\n ") == std::string::npos && !name.empty());
    check(header.find_first_of("\r\n") == std::string::npos);
  }
  return 0;
}
