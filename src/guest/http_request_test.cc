#include "guest/http_request.h"

#include "guest/http_url.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace troupe::guest {
namespace {

TEST(HttpRequest, HasDefaults) {
  const HttpRequest request = read_http_request(R"({"url":"https://a.example/"})").value();
  EXPECT_EQ(request.url, "https://a.example/");
  EXPECT_EQ(request.method, "GET");
  EXPECT_TRUE(request.headers.empty());
  EXPECT_EQ(read_http_request(R"({"url":"u","method":null})").value().method, "GET");
}

TEST(HttpRequest, IsReadWhole) {
  const HttpRequest request =
      read_http_request(R"({"method":"pOst","headers":{"X-A":"1","b":"\tzwei €"},"url":"u"})")
          .value();
  EXPECT_EQ(request.method, "POST");
  ASSERT_EQ(request.headers.size(), 2U);
  EXPECT_EQ(request.headers[0], std::pair(std::string("X-A"), std::string("1")));
  EXPECT_EQ(request.headers[1], std::pair(std::string("b"), std::string("\tzwei €")));
}

std::string error_of(std::string_view json) {
  const Result<HttpRequest> request = read_http_request(json);
  return request ? "" : request.error().message;
}

TEST(HttpRequest, MistakesAreNamed) {
  EXPECT_EQ(error_of(R"({"url":"u","body":"x"})"),
            "Invalid HTTP request: unknown key \"body\"; there are url, headers and method");
  EXPECT_EQ(error_of("{}"), "Invalid HTTP request: it has no url");
  EXPECT_EQ(error_of("[]"), "Invalid HTTP request: it must be an object, not an array");
  EXPECT_TRUE(error_of("").starts_with("Invalid HTTP request: "));
  EXPECT_TRUE(error_of(R"({"url":"u")").starts_with("Invalid HTTP request: "));
  EXPECT_EQ(error_of(R"({"url":1})"), "Invalid HTTP request: url must be a string, not a number");
  EXPECT_EQ(error_of(R"({"url":"u","method":1})"),
            "Invalid HTTP request: method must be a string, not a number");
  EXPECT_EQ(error_of(R"({"url":"u","method":"GET /"})"),
            "Invalid HTTP request: \"GET /\" is no method");
  EXPECT_EQ(error_of(R"({"url":"u","method":"connect"})"),
            "Invalid HTTP request: the method CONNECT is not offered");
  EXPECT_EQ(error_of(R"({"url":"u","headers":[]})"),
            "Invalid HTTP request: headers must be an object, not an array");
  EXPECT_EQ(error_of(R"({"url":"u","headers":{"a":1}})"),
            "Invalid HTTP request: the header \"a\" must be a string, not a number");
  EXPECT_EQ(error_of(R"({"url":"u","headers":{"a b":"1"}})"),
            "Invalid HTTP request: \"a b\" is no name of a header");
  EXPECT_EQ(error_of(R"({"url":"u","headers":{"a":"1\r\nHost: b"}})"),
            "Invalid HTTP request: the header \"a\" has a control character in its value");
  EXPECT_EQ(error_of(R"({"url":"u","headers":{"a":"1\u0000"}})"),
            "Invalid HTTP request: the header \"a\" has a control character in its value");
  EXPECT_EQ(error_of(R"({"url":"u","headers":{"HOST":"b"}})"),
            "Invalid HTTP request: the header \"HOST\" is set by the host; leave it out");
}

TEST(HttpRequest, ItsSizeIsBounded) {
  std::string headers;
  for (std::size_t i = 0; i <= HttpRequest::headers_max; ++i) {
    headers += (i == 0 ? "\"a" : ",\"a") + std::to_string(i) + "\":\"\"";
  }
  EXPECT_EQ(error_of(R"({"url":"u","headers":{)" + headers + "}}"),
            "Invalid HTTP request: it has 101 headers, more than the 100 allowed");
  const std::string large(HttpRequest::header_bytes_max, 'x');
  EXPECT_EQ(error_of(R"({"url":"u","headers":{"a":")" + large + R"("}})"),
            "Invalid HTTP request: its headers have more than the 65536 bytes allowed");
  EXPECT_EQ(error_of(std::string(HttpRequest::json_bytes_max + 1, ' ')),
            "Invalid HTTP request: it has 262145 bytes, more than the 262144 allowed; what is to "
            "be sent is its body");
}

TEST(HttpUrl, SaysWhereItLeads) {
  const HttpUrl url =
      HttpUrl::parse("HTTPS://User:pw@API.Example.com/a b?q={{secret.A}}#f").value();
  EXPECT_EQ(url.host(), "api.example.com");
  EXPECT_TRUE(url.encrypted());
  EXPECT_EQ(url.origin(), "https://api.example.com:443");
  EXPECT_EQ(url.text(), "https://User:pw@api.example.com/a%20b?q={{secret.A}}#f");
  EXPECT_EQ(HttpUrl::parse("http://a:8080").value().origin(), "http://a:8080");
}

// Each of these is 127.0.0.1 to a resolver, or is refused.
TEST(HttpUrl, AddressesHaveOneForm) {
  for (const char* host : {"127.0.0.1", "2130706433", "0x7f.1", "0177.0.0.1", "127.1"}) {
    EXPECT_EQ(HttpUrl::parse("http://" + std::string(host) + "/").value().host(), "127.0.0.1")
        << host;
  }
  EXPECT_EQ(HttpUrl::parse("http://[0:0::1]/").value().host(), "[::1]");
  EXPECT_EQ(HttpUrl::parse("http://[::FFFF:127.0.0.1]/").value().host(), "[::ffff:127.0.0.1]");
  EXPECT_EQ(HttpUrl::parse("http://%31%32%37.0.0.1/").value().host(), "127.0.0.1");
  EXPECT_TRUE(HttpUrl::parse("http://%31.1/").has_error()) << "1.0.0.1 for who reads it next";
  EXPECT_TRUE(HttpUrl::parse("http://%x7f.1/").has_error());
}

TEST(HttpUrl, OthersAreRefused) {
  for (const char* text : {"",
                           "/path",
                           "ftp://a.example/",
                           "file:///etc/passwd",
                           "javascript:alert(1)",
                           "http://",
                           "http://a b/",
                           "http://a.example:99999/",
                           "http://{{secret.A}}/",
                           "http://{{secret.A}}.example/",
                           "http://a.example:{{secret.A}}/",
                           "http://a\r\nb/",
                           "http://[fe80::1%25eth0]/",
                           "http://münchen.example/",
                           "http://[::1/"}) {
    EXPECT_TRUE(HttpUrl::parse(text).has_error()) << text;
  }
  EXPECT_TRUE(HttpUrl::parse("http://a/" + std::string(HttpUrl::bytes_max, 'x')).has_error());
  EXPECT_TRUE(HttpUrl::parse(std::string_view("http://a/\0b", 11)).has_error());
}

TEST(HttpUrl, RedirectsAreRelativeOrWhole) {
  const HttpUrl url = HttpUrl::parse("https://a.example/one/two?x=1").value();
  EXPECT_EQ(url.join("/three").value().text(), "https://a.example/three");
  EXPECT_EQ(url.join("four?y").value().text(), "https://a.example/one/four?y");
  EXPECT_EQ(url.join("//B.example/").value().text(), "https://b.example/");
  EXPECT_EQ(url.join("http://c.example").value().text(), "http://c.example/");
  EXPECT_TRUE(url.join("ftp://c.example").has_error());
  EXPECT_TRUE(url.join("file:///etc/passwd").has_error());
}

}  // namespace
}  // namespace troupe::guest
