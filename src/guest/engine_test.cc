#include "guest/engine.h"

#include "base/sanitized.h"
#include "guest/test_support.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstdlib>

namespace troupe::guest {
namespace {

using test::finish;
using test::module_text;
using test::Plugin;
using test::wasm_of;

TEST(Engine, RefusesAPoolThatTheSystemsMappingsDoNotHold) {
  EngineOptions options;
  options.instances_max = 1'000'000'000;
  const auto engine = Engine::create(options);
  ASSERT_FALSE(engine);
  EXPECT_NE(engine.error().message.find("vm.max_map_count"), std::string::npos)
      << engine.error().message;
}

#ifndef TROUPE_SANITIZED
// In a process of its own, whose addresses are limited; sanitizers need terabytes of them.
TEST(EngineDeathTest, RefusesAPoolThatTheAddressesDoNotHold) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  const auto try_in_a_terabyte = [] {
    const rlimit limit{std::uint64_t{1} << 40, std::uint64_t{1} << 40};
    if (::setrlimit(RLIMIT_AS, &limit) != 0) std::_Exit(2);
    const auto engine = Engine::create({});
    const bool refused =
        !engine && engine.error().message.find("GiB of addresses") != std::string::npos;
    std::_Exit(refused ? 0 : 1);
  };
  EXPECT_EXIT(try_in_a_terabyte(), testing::ExitedWithCode(0), "");
}
#endif

TEST(Engine, AFullPoolIsAnOutcomeNotAnEnd) {
  EngineOptions options;
  options.instances_max = 2;
  const auto engine = Engine::create(options).value();
  const test::TemporaryFolder folder;
  const auto cache = ModuleCache::open(folder.path() / "modules", {}).value();
  const auto module = cache->load(*engine, wasm_of(module_text(""))).value();
  Plugin one("(module)");
  Plugin two("(module)");
  Plugin three("(module)");
  for (Plugin* plugin : {&one, &two, &three}) plugin->module = module;
  EXPECT_EQ(one.wake().ending, Ending::done);
  EXPECT_EQ(two.wake().ending, Ending::done);
  const Outcome outcome = three.wake();
  EXPECT_EQ(outcome.ending, Ending::out_of_memory);
  EXPECT_NE(outcome.message.find("no room for the instance"), std::string::npos) << outcome.message;
  one.instance.reset();
  EXPECT_EQ(three.wake().ending, Ending::done);
  for (Plugin* plugin : {&one, &two, &three}) {
    plugin->instance.reset();
    plugin->module.reset();
  }
}

}  // namespace
}  // namespace troupe::guest
