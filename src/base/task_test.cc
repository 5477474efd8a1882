#include "base/task.h"

#include <gtest/gtest.h>

#include <string>

namespace troupe {
namespace {

// Suspends whoever awaits it until it is opened.
class Door {
 public:
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> handle) { waiting_ = handle; }
  void await_resume() const {}
  void open() { std::exchange(waiting_, nullptr).resume(); }

 private:
  std::coroutine_handle<> waiting_;
};

struct Witness {
  explicit Witness(bool& gone) : gone(&gone) {}
  Witness(const Witness&) = delete;
  Witness& operator=(const Witness&) = delete;
  ~Witness() { *gone = true; }
  bool* gone;
};

Task<std::string> inner(Door& door) {
  co_await door;
  co_return "inside";
}

Task<> outer(Door& door, std::string& result, bool& gone) {
  const Witness witness(gone);
  result = co_await inner(door);
}

TEST(Task, DoesNothingBeforeItIsStarted) {
  Door door;
  std::string result;
  bool gone = false;
  {
    const Task<> task = outer(door, result, gone);
  }
  EXPECT_FALSE(gone);
}

TEST(Task, ReturnsItsValueToTheOneThatAwaitsIt) {
  Door door;
  std::string result;
  bool gone = false;
  Task<> task = outer(door, result, gone);
  task.start();
  EXPECT_FALSE(task.done());
  door.open();
  EXPECT_TRUE(task.done());
  EXPECT_EQ(result, "inside");
}

TEST(Task, DestroyingItEndsWhatItAwaits) {
  Door door;
  std::string result;
  bool gone = false;
  Task<> task = outer(door, result, gone);
  task.start();
  task.reset();
  EXPECT_TRUE(gone);
  EXPECT_TRUE(result.empty());
}

TEST(Task, OneThatNeverWaitsIsDoneAtOnce) {
  Task<int> task = [](int value) -> Task<int> { co_return value + 1; }(41);
  task.start();
  ASSERT_TRUE(task.done());
  EXPECT_EQ(task.take(), 42);
}

}  // namespace
}  // namespace troupe
