#include "wire/origin.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace troupe::wire {
namespace {

bool own(std::string_view origin, std::string_view host) {
  const auto parsed = parse_origin(origin);
  return parsed && is_own_origin(*parsed, host);
}

bool allowed(std::vector<std::string> entries, std::string_view origin) {
  const auto parsed = parse_origin(origin);
  return parsed && OriginRules::parse(entries)->allow(*parsed);
}

TEST(Origin, SchemeHostAndPortAreRead) {
  auto origin = parse_origin("HTTPS://Site.Example:8443");
  ASSERT_TRUE(origin);
  EXPECT_EQ(origin->scheme, "https");
  EXPECT_EQ(origin->host, "site.example");
  EXPECT_EQ(origin->port, 8443);
  EXPECT_EQ(parse_origin("https://a")->port, 443);
  EXPECT_EQ(parse_origin("http://a")->port, 80);
  EXPECT_EQ(parse_origin("http://[::1]:4000")->host, "[::1]");
  EXPECT_EQ(parse_origin("http://[::1]:4000")->port, 4000);
  EXPECT_EQ(parse_origin("moz-extension://1b2c")->port, 0);
}

TEST(Origin, NullAndJunkAreNoOrigins) {
  for (const auto* junk : {"null",
                           "",
                           "site.example",
                           "//site.example",
                           "http://",
                           "http://a:b",
                           "http://a:99999",
                           "http://a:",
                           "http://a/path",
                           "http://u@a",
                           "http://[::1",
                           "http://a b",
                           "http://a\n",
                           "h ttp://a",
                           "http://[x]"}) {
    EXPECT_FALSE(parse_origin(junk)) << junk;
  }
  EXPECT_FALSE(parse_origin("http://" + std::string(256, 'a')));
}

TEST(Origin, APageOfThisHostAndPortIsOurOwn) {
  EXPECT_TRUE(own("http://127.0.0.1:4000", "127.0.0.1:4000"));
  EXPECT_TRUE(own("http://[::1]:4000", "[::1]:4000"));
  EXPECT_TRUE(own("http://LOCALHOST", "localhost"));
  EXPECT_TRUE(own("http://localhost:80", "localhost"));
  EXPECT_FALSE(own("http://localhost:4000", "localhost:4001"));
  EXPECT_FALSE(own("http://localhost:4000", "localhost"));
  EXPECT_FALSE(own("http://localhost:4000", "127.0.0.1:4000"));
  EXPECT_FALSE(own("http://localhost:4000", ""));
}

TEST(Origin, AProxyThatSpeaksTlsKeepsTheOriginOurOwn) {
  EXPECT_TRUE(own("https://site.example", "site.example"));
  EXPECT_FALSE(own("https://site.example", "site.example:80"));
}

TEST(Origin, AnEntryMatchesWhatItNames) {
  EXPECT_TRUE(allowed({"https://site.example"}, "https://site.example"));
  EXPECT_TRUE(allowed({"https://site.example"}, "https://SITE.example:443"));
  EXPECT_FALSE(allowed({"https://site.example"}, "http://site.example"));
  EXPECT_FALSE(allowed({"https://site.example"}, "https://site.example:8443"));
  EXPECT_FALSE(allowed({"https://site.example"}, "https://www.site.example"));
  EXPECT_TRUE(allowed({"http://a:1", "http://b:2"}, "http://b:2"));
  EXPECT_FALSE(allowed({}, "http://b:2"));
}

TEST(Origin, MissingPartsOfAnEntryMatchAnything) {
  EXPECT_TRUE(allowed({"//site.example"}, "https://site.example:8443"));
  EXPECT_TRUE(allowed({"//site.example"}, "http://site.example"));
  EXPECT_TRUE(allowed({"//site.example:81"}, "http://site.example:81"));
  EXPECT_FALSE(allowed({"//site.example:81"}, "http://site.example"));
}

TEST(Origin, AWildcardMatchesSubdomainsAndTheBareHostOnly) {
  EXPECT_TRUE(allowed({"//*.site.example"}, "https://site.example"));
  EXPECT_TRUE(allowed({"//*.site.example"}, "https://a.b.site.example"));
  EXPECT_FALSE(allowed({"//*.site.example"}, "https://evilsite.example"));
  EXPECT_FALSE(allowed({"//*.site.example"}, "https://site.example.evil"));
}

TEST(Origin, ARequestIsJudgedByItsHeaders) {
  const auto rules = *OriginRules::parse(std::vector<std::string>{"https://site.example"});
  EXPECT_EQ(rules.judge("", "localhost:4000"), OriginVerdict::absent);
  EXPECT_EQ(rules.judge("http://localhost:4000", "localhost:4000"), OriginVerdict::own);
  EXPECT_EQ(rules.judge("https://site.example", "localhost:4000"), OriginVerdict::allowed);
  EXPECT_EQ(rules.judge("https://evil.example", "localhost:4000"), OriginVerdict::refused);
  EXPECT_EQ(rules.judge("null", "localhost:4000"), OriginVerdict::refused);
}

TEST(Origin, AnEntryThatIsNoOriginIsNamed) {
  for (const auto* entry :
       {"site.example", "https:/site", "https://", "//*", "//a:b", "x//a", ""}) {
    const auto rules = OriginRules::parse(std::vector<std::string>{"//ok", entry});
    ASSERT_FALSE(rules) << entry;
    EXPECT_NE(rules.error().message.find('"' + std::string(entry) + '"'), std::string::npos);
  }
}

}  // namespace
}  // namespace troupe::wire
