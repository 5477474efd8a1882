#include "web/assets.h"

#include <gtest/gtest.h>

#include <string>

namespace troupe::web {
namespace {

TEST(WebAssets, TheModuleIsOneFileThatExportsWhatPagesImport) {
  const std::string_view text = browser_module().text;
  ASSERT_GT(text.size(), 50'000u) << "phx-live-state, phoenix and Lit are larger than that";
  const auto exports = text.rfind("export{");
  ASSERT_NE(exports, std::string_view::npos);
  for (const char* name : {"LitElement",
                           "html",
                           "css",
                           "liveState",
                           "liveStateConfig",
                           "liveStateProperty",
                           "connectElement",
                           "LiveState",
                           "Socket",
                           "repeat",
                           "property"}) {
    EXPECT_NE(text.substr(exports).find(std::string("as ") + name), std::string_view::npos) << name;
  }
  EXPECT_EQ(text.find("from\"lit\""), std::string_view::npos)
      << "nothing is left to be fetched from elsewhere";
  EXPECT_TRUE(text.ends_with("//# sourceMappingURL=troupe.js.map\n"));
}

TEST(WebAssets, TheMapIsAnObjectThatCarriesItsSources) {
  EXPECT_TRUE(browser_module_map().text.starts_with("{"));
  EXPECT_NE(browser_module_map().text.find("\"sourcesContent\""), std::string_view::npos);
}

TEST(WebAssets, TheDevPageLoadsTheModuleOfItsOwnServer) {
  EXPECT_TRUE(dev_page().text.starts_with("<!doctype html>"));
  EXPECT_NE(dev_page().text.find("\"/troupe.js\""), std::string_view::npos);
}

TEST(WebAssets, EntityTagsAreQuotedAndDiffer) {
  for (const Asset* asset : {&browser_module(), &browser_module_map(), &dev_page()}) {
    ASSERT_GT(asset->etag.size(), 10u);
    EXPECT_TRUE(asset->etag.starts_with('"') && asset->etag.ends_with('"')) << asset->etag;
  }
  EXPECT_NE(browser_module().etag, browser_module_map().etag);
  EXPECT_NE(browser_module().etag, dev_page().etag);
}

}  // namespace
}  // namespace troupe::web
