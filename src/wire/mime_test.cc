#include "wire/mime.h"

#include <gtest/gtest.h>

namespace troupe::wire {
namespace {

TEST(Mime, BrowsersGetTheTypesTheyInsistOn) {
  EXPECT_EQ(content_type_of("index.html"), "text/html; charset=utf-8");
  EXPECT_EQ(content_type_of("a/b/module.js"), "text/javascript; charset=utf-8");
  EXPECT_EQ(content_type_of("module.mjs"), "text/javascript; charset=utf-8");
  EXPECT_EQ(content_type_of("plugin.wasm"), "application/wasm");
  EXPECT_EQ(content_type_of("style.css"), "text/css; charset=utf-8");
  EXPECT_EQ(content_type_of("logo.svg"), "image/svg+xml");
  EXPECT_EQ(content_type_of("archive.zip"), "application/zip");
  EXPECT_EQ(content_type_of("picture.avif"), "image/avif");
}

TEST(Mime, CaseAndOtherDotsDoNotMatter) {
  EXPECT_EQ(content_type_of("LOGO.PNG"), "image/png");
  EXPECT_EQ(content_type_of("v1.2/jquery.min.js.map"), "application/json");
}

TEST(Mime, UnknownExtensionsAreBytes) {
  for (const auto* name : {"README", "dir.d/file", "x.unknown", "x.", ""}) {
    EXPECT_EQ(content_type_of(name), "application/octet-stream") << name;
  }
}

}  // namespace
}  // namespace troupe::wire
