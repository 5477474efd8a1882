#include "guest/http_url.h"

#include "guest/text.h"

#include <boost/asio/ip/address_v6.hpp>

#include <algorithm>
#include <memory>
#include <utility>

namespace troupe::guest {

namespace {

// Spaces and characters beyond ASCII, which URLs do not have, are taken and encoded.
constexpr unsigned tolerant = CURLU_URLENCODE | CURLU_ALLOW_SPACE;

std::string part_of(CURLU* url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK) return {};
  std::string out(text);
  curl_free(text);
  return out;
}

// As this library writes it; empty when it is none.
std::string usual_host(CURLU* url) {
  std::string host = lower_case(part_of(url, CURLUPART_HOST));
  if (!host.starts_with('[')) return host;
  boost::system::error_code error;
  const auto address =
      boost::asio::ip::make_address_v6(host.substr(1, host.size() - 2).c_str(), error);
  // A zone is the guest's way to choose a network of this machine.
  if (error || address.scope_id() != 0 || !part_of(url, CURLUPART_ZONEID).empty()) return {};
  return "[" + address.to_string() + "]";
}

// Whether who reads its text finds the same host. An address in percent signs is decoded and then
// not looked at as an address: %31.1 would be 1.1 here and 1.0.0.1 there.
bool is_read_again(const HttpUrl& url) {
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> again(curl_url(), curl_url_cleanup);
  return again != nullptr &&
         curl_url_set(again.get(), CURLUPART_URL, url.text().c_str(), tolerant) == CURLUE_OK &&
         usual_host(again.get()) == url.host();
}

}  // namespace

Result<HttpUrl> HttpUrl::read(Handle handle, std::string_view text) {
  if (handle == nullptr) return Error{"there is no memory for it"};
  if (text.size() > bytes_max) {
    return Error{"it has " + std::to_string(text.size()) + " bytes, more than the " +
                 std::to_string(bytes_max) + " allowed"};
  }
  if (text.find('\0') != std::string_view::npos) return Error{"it has a zero byte"};
  const CURLUcode code =
      curl_url_set(handle.get(), CURLUPART_URL, std::string(text).c_str(), tolerant);
  if (code == CURLUE_UNSUPPORTED_SCHEME) return Error{"only http and https are offered"};
  if (code != CURLUE_OK) return Error{curl_url_strerror(code)};

  HttpUrl url(std::move(handle));
  const std::string scheme = part_of(url.get(), CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https") return Error{"only http and https are offered"};
  url.encrypted_ = scheme == "https";
  url.host_ = usual_host(url.get());
  if (std::ranges::any_of(url.host_, [](char c) { return (c & 0x80) != 0; })) {
    return Error{"its host has letters beyond ASCII; write it in its form that begins with xn--"};
  }
  if (url.host_.empty() || url.host_.find('%') != std::string::npos ||
      curl_url_set(url.get(), CURLUPART_HOST, url.host_.c_str(), 0) != CURLUE_OK ||
      !is_read_again(url)) {
    return Error{"its host is no name or address that can be used"};
  }
  url.origin_ =
      scheme + "://" + url.host_ + ":" + part_of(url.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT);
  return url;
}

Result<HttpUrl> HttpUrl::parse(std::string_view text) {
  return read(Handle(curl_url()), text);
}

Result<HttpUrl> HttpUrl::join(std::string_view location) const {
  return read(Handle(curl_url_dup(url_.get())), location);
}

std::string HttpUrl::shown() const {
  return origin_ + part_of(url_.get(), CURLUPART_PATH);
}

std::string HttpUrl::text() const {
  return part_of(url_.get(), CURLUPART_URL);
}

}  // namespace troupe::guest
