#include "socket/upgrade.h"

#include "wire/session_id.h"

#include <gtest/gtest.h>

#include <string>

namespace troupe::socket {
namespace {

using wire::OriginVerdict;

class UpgradeTest : public testing::Test {
 protected:
  auto decide() { return decide_upgrade(request, "server key"); }
  unsigned refusal() {
    const auto decided = decide();
    return decided ? 101 : decided.error().status;
  }

  wire::Parameters parameters{{"a", "1"}, {"vsn", "2.0.0"}};
  UpgradeRequest request{.is_upgrade = true,
                         .key = "dGhlIHNhbXBsZSBub25jZQ==",
                         .version = "13",
                         .origin = "http://localhost:4000",
                         .verdict = OriginVerdict::own,
                         .mount = "/socket",
                         .remote_address = "1.2.3.4",
                         .parameters = parameters};
};

TEST_F(UpgradeTest, AClientOfThisSiteIsLetInWithWhatIsKnownOfIt) {
  const auto upgrade = decide();
  ASSERT_TRUE(upgrade);
  EXPECT_EQ(upgrade->key, request.key);
  EXPECT_EQ(upgrade->info.origin, "http://localhost:4000");
  EXPECT_EQ(upgrade->info.remote_address, "1.2.3.4");
  EXPECT_EQ(upgrade->info.mount, "/socket");
  EXPECT_EQ(upgrade->info.params, (wire::Parameters{{"a", "1"}}));
  EXPECT_EQ(upgrade->protocol, "");
}

TEST_F(UpgradeTest, APlainRequestIsToldWhatThisIs) {
  request.is_upgrade = false;
  const auto decided = decide();
  ASSERT_FALSE(decided);
  EXPECT_EQ(decided.error().status, 400);
  EXPECT_NE(decided.error().text, "");
}

TEST_F(UpgradeTest, BrokenHandshakesAreRefused) {
  request.version = "8";
  EXPECT_EQ(refusal(), 426);
  request.version = "13";
  request.key = "short";
  EXPECT_EQ(refusal(), 400);
}

TEST_F(UpgradeTest, AForeignOriginIs403WithoutText) {
  request.verdict = OriginVerdict::refused;
  const auto decided = decide();
  ASSERT_FALSE(decided);
  EXPECT_EQ(decided.error().status, 403);
  EXPECT_EQ(decided.error().text, "");
}

TEST_F(UpgradeTest, OtherVersionsOfTheSerializerAre403) {
  for (const auto* vsn : {"1.0.0", "2.1.0", "3.0.0", "junk", ""}) {
    parameters = {{"vsn", vsn}};
    EXPECT_EQ(refusal(), 403) << vsn;
  }
  parameters = {};
  EXPECT_EQ(refusal(), 403);
}

TEST_F(UpgradeTest, ThePhoenixProtocolIsSelectedWhenItIsOffered) {
  request.protocols = "phoenix, base64url.bearer.phx.dG9rZW4";
  ASSERT_TRUE(decide());
  EXPECT_EQ(decide()->protocol, "phoenix");
  request.protocols = "graphql-ws";
  EXPECT_EQ(refusal(), 403);
}

TEST_F(UpgradeTest, APageOfThisServerGetsASessionThatCountsAtOnce) {
  const auto upgrade = decide();
  ASSERT_TRUE(upgrade);
  EXPECT_TRUE(upgrade->set_cookie.starts_with("troupe_session="));
  const std::string session = upgrade->set_cookie.substr(15, 22);
  EXPECT_EQ(upgrade->set_cookie, "troupe_session=" + session + "; Path=/; HttpOnly; SameSite=Lax");
  EXPECT_EQ(upgrade->info.session, wire::session_letters("server key", "cookie", session));
}

TEST_F(UpgradeTest, UnderTlsTheCookieIsSecure) {
  request.secure = true;
  EXPECT_TRUE(decide()->set_cookie.ends_with("; Secure"));
}

TEST_F(UpgradeTest, ACookieIsBelievedFromPagesThatMayTalkToUs) {
  const std::string session = wire::new_session();
  const std::string cookies = "x=y; troupe_session=" + session;
  request.cookies = cookies;
  for (const auto verdict : {OriginVerdict::own, OriginVerdict::allowed}) {
    request.verdict = verdict;
    const auto upgrade = decide();
    ASSERT_TRUE(upgrade);
    EXPECT_EQ(upgrade->set_cookie, "");
    EXPECT_EQ(upgrade->info.session, wire::session_letters("server key", "cookie", session));
  }
}

TEST_F(UpgradeTest, WithoutAnOriginNoCookieIsBelieved) {
  const std::string cookies = "troupe_session=" + wire::new_session();
  request.cookies = cookies;
  request.verdict = OriginVerdict::absent;
  const auto upgrade = decide();
  ASSERT_TRUE(upgrade);
  EXPECT_EQ(upgrade->info.session, "");
  EXPECT_EQ(upgrade->set_cookie, "");
}

TEST_F(UpgradeTest, APageOfAnotherSiteGetsNoCookieThatItsBrowserWouldNotSendAgain) {
  request.verdict = OriginVerdict::allowed;
  const auto upgrade = decide();
  ASSERT_TRUE(upgrade);
  EXPECT_EQ(upgrade->info.session, "");
  EXPECT_EQ(upgrade->set_cookie, "");
}

TEST_F(UpgradeTest, ACookieThatNoServerOfOursMadeIsReplaced) {
  request.cookies = "troupe_session=guessed";
  const auto upgrade = decide();
  ASSERT_TRUE(upgrade);
  EXPECT_NE(upgrade->set_cookie, "");
}

}  // namespace
}  // namespace troupe::socket
