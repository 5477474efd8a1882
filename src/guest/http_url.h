// The URL of an HTTP request, taken apart by the library that connects: what is checked is what is
// connected to. Private to this folder; any thread, one at a time.
#pragma once

#include "base/result.h"

#include <curl/curl.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace troupe::guest {

class HttpUrl {
 public:
  static constexpr std::size_t bytes_max = 8192;

  // Only http and https. The error is one sentence and does not repeat the URL.
  static Result<HttpUrl> parse(std::string_view text);
  // Where a Location header of this URL leads: a whole URL, or one relative to this.
  Result<HttpUrl> join(std::string_view location) const;

  // Lower-case, numbers and IPv6 addresses in their usual form, the latter in brackets.
  const std::string& host() const { return host_; }
  bool encrypted() const { return encrypted_; }
  // Scheme, host and port.
  const std::string& origin() const { return origin_; }
  std::string text() const;
  // For messages: without a user, a password and the query.
  std::string shown() const;

  // Valid as long as this object.
  CURLU* get() const { return url_.get(); }

 private:
  struct Delete {
    void operator()(CURLU* url) const { curl_url_cleanup(url); }
  };
  using Handle = std::unique_ptr<CURLU, Delete>;

  explicit HttpUrl(Handle url) : url_(std::move(url)) {}
  static Result<HttpUrl> read(Handle url, std::string_view text);

  Handle url_;
  std::string host_;
  std::string origin_;
  bool encrypted_ = false;
};

}  // namespace troupe::guest
