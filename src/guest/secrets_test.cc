#include "guest/secrets.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace troupe::guest {
namespace {

using Place = Secrets::Place;

Secrets two_secrets() {
  Secrets secrets;
  secrets.add("STRIPE", "sk_live/1+2 3", {"api.stripe.com", "localhost"}).value();
  secrets.add("long", "sk_live/1+2 3 and more", {"other.example"}).value();
  return secrets;
}

Secrets::Target stripe(Place place) {
  return {.host = "api.stripe.com", .stays_secret = true, .place = place};
}

std::string filled(std::string_view text, const Secrets::Target& target) {
  const Result<SecretText> text_or_error = two_secrets().fill(text, target);
  return std::string(text_or_error ? text_or_error->view() : text_or_error.error().message);
}

TEST(Secrets, AreFilledInWhereTheyAreNamed) {
  EXPECT_EQ(filled("Bearer {{secret.STRIPE}}", stripe(Place::header)), "Bearer sk_live/1+2 3");
  EXPECT_EQ(filled("{{secret.STRIPE}}{{secret.STRIPE}}!", stripe(Place::body)),
            "sk_live/1+2 3sk_live/1+2 3!");
  EXPECT_EQ(filled("https://api.stripe.com/?key={{secret.STRIPE}}&x=1", stripe(Place::url)),
            "https://api.stripe.com/?key=sk_live%2F1%2B2%203&x=1");
}

TEST(Secrets, OtherTextStaysAsItIs) {
  for (const char* text :
       {"", "{{secret.}}", "{{secret.A B}}", "{{secret.STRIPE}", "{{secrets}}", "{{{{secret."}) {
    EXPECT_EQ(filled(text, stripe(Place::body)), text);
    EXPECT_FALSE(has_placeholder(text));
  }
  EXPECT_TRUE(has_placeholder("{{secret.{{secret.X}}"));
  EXPECT_EQ(filled("{{secret.{{secret.STRIPE}}", stripe(Place::body)), "{{secret.sk_live/1+2 3");
}

TEST(Secrets, GoToTheNamedHostsOnly) {
  EXPECT_EQ(filled("{{secret.STRIPE}}",
                   {.host = "evil.example", .stays_secret = true, .place = Place::header}),
            "{{secret.STRIPE}} may not be sent to evil.example: this host is not among the "
            "secret's `hosts`");
  EXPECT_EQ(filled("{{secret.long}}", stripe(Place::header)),
            "{{secret.long}} may not be sent to api.stripe.com: this host is not among the "
            "secret's `hosts`");
  EXPECT_EQ(filled("{{secret.STRIPE}}",
                   {.host = "api.stripe.com", .stays_secret = false, .place = Place::header}),
            "{{secret.STRIPE}} may not be sent to api.stripe.com over http, where others could "
            "read it; use https");
}

TEST(Secrets, AnUnknownNameIsSaid) {
  EXPECT_EQ(filled("{{secret.STRIP}}", stripe(Place::header)),
            "there is no secret STRIP for this plugin; name it under `secrets`, or remove "
            "{{secret.STRIP}}");
}

TEST(Secrets, AValueOfSeveralLinesIsNoHeader) {
  Secrets secrets;
  secrets.add("PEM", "line one\r\nline two", {"a.example"}).value();
  const Secrets::Target target{.host = "a.example", .stays_secret = true, .place = Place::header};
  EXPECT_EQ(secrets.fill("{{secret.PEM}}", target).error().message,
            "{{secret.PEM}} has more than one line, which no header can");
}

TEST(Secrets, AreHiddenAgainLongerOnesFirst) {
  std::string text = "a sk_live/1+2 3 and more b sk_live/1+2 3 c sk_live%2F1%2B2%203 d";
  two_secrets().hide(text);
  EXPECT_EQ(text, "a {{secret.long}} b {{secret.STRIPE}} c {{secret.STRIPE}} d");
}

TEST(Secrets, MistakesInTheirSettingsAreSaidWithoutTheValue) {
  Secrets secrets;
  EXPECT_EQ(secrets.add("A-B", "long enough", {"a"}).error().message,
            "a secret's name is 1 to 64 of A-Z a-z 0-9 _, so that {{secret.NAME}} can be told "
            "from other text");
  EXPECT_EQ(secrets.add("A", "short", {"a"}).error().message,
            "the value of the secret A has 5 bytes; it must have 8 to 65536");
  EXPECT_EQ(secrets.add("A", "long enough", {}).error().message,
            "the secret A has no hosts; name those it may be sent to, such as hosts = "
            "[\"api.example.com\"]");
  for (const char* host : {"*.example.com", "https://a.example", "A.example", ""}) {
    EXPECT_EQ(secrets.add("A", "long enough", {host}).error().message,
              "the secret A names the host \"" + std::string(host) +
                  "\"; write it out in lower case, without scheme, path or pattern");
  }
}

}  // namespace
}  // namespace troupe::guest
