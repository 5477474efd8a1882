// What sleep costs, and that it changes nothing: sleep_bench FILE.wasm CALL...
//
// A CALL is NAME or NAME=INPUT, where % stands for the output of the call before. The first is made
// once in an actor's life, the others over and over. Prints one line of JSON with the bytes of a
// snapshot, the CPU time of capture, restore and copy, and the resident memory of a sleeping actor.
// Exits with 1 when an actor that sleeps after every call comes to other outputs, vars or memory
// than one that never does.
#include "guest/engine.h"
#include "guest/instance.h"
#include "guest/module_cache.h"
#include "guest/snapshot.h"
#include "shard/shard.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>
#include <vector>

namespace {

using namespace troupe;
using namespace troupe::guest;

constexpr int turns = 40;
constexpr std::size_t rounds = 2000;
constexpr int actors = 20'000;  // asleep, to weigh one

struct CallOf {
  std::string name;
  std::string input;
};

class Nobody final : public Host {
 public:
  Result<std::string> call(std::string_view, std::string_view) override {
    return Error{"there is nobody to ask"};
  }
  void log(LogLevel, std::string_view) override {}
};

double cpu_us() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

std::size_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::size_t all = 0;
  std::size_t resident = 0;
  file >> all >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

template <class T>
T finish(shard::Shard& shard, Task<T> task) {
  task.start();
  while (!task.done()) shard.io().run_one();
  return task.take();
}

class Actor {
 public:
  Actor(shard::Shard& shard,
        std::shared_ptr<const Module> module,
        const Environment& environment,
        std::uint32_t seed)
      : shard_(shard), module_(std::move(module)), environment_(environment) {
    inputs_.seed[0] = static_cast<std::uint8_t>(seed);
    inputs_.seed[1] = static_cast<std::uint8_t>(seed >> 8);
    keep(finish(shard_, Instance::create(shard_, lane_, module_, environment_, inputs_, host_)));
  }

  const std::string& call(const CallOf& what) {
    std::string input = what.input;
    if (const std::size_t at = input.find('%'); at != std::string::npos) {
      input.replace(at, 1, output_);
    }
    inputs_.time_ns += 1'000'000;
    ++inputs_.seed[2];
    const std::string_view pieces[] = {input};
    const Outcome outcome =
        finish(shard_, instance_->call(what.name, pieces, inputs_, vars_, host_));
    if (outcome.ending != Ending::done) {
      throw std::runtime_error(what.name + ": " + std::string(name_of(outcome.ending)) + ": " +
                               outcome.message + "\n" + outcome.detail);
    }
    output_ = outcome.output;
    return output_;
  }

  Snapshot capture() const {
    Result<Snapshot> snapshot = instance_->capture();
    if (snapshot.has_error()) throw std::runtime_error(snapshot.error().message);
    return *std::move(snapshot);
  }
  void drop() { instance_.reset(); }
  void restore(const Snapshot& snapshot) {
    keep(finish(shard_, Instance::restore(shard_, lane_, module_, environment_, snapshot, host_)));
  }
  void copy_and_drop() {
    const auto made = finish(shard_, instance_->copy(host_));
    if (!made.first) throw std::runtime_error(made.second.message);
  }
  const Vars& vars() const { return vars_; }

 private:
  void keep(std::pair<std::unique_ptr<Instance>, Outcome> made) {
    if (!made.first) throw std::runtime_error(made.second.message);
    instance_ = std::move(made.first);
  }

  shard::Shard& shard_;
  shard::RunQueue::Lane lane_;
  std::shared_ptr<const Module> module_;
  const Environment& environment_;
  TurnInputs inputs_{.time_ns = 1'700'000'000'000'000'000, .seed = {}};
  Nobody host_;
  Vars vars_;
  std::string output_;
  std::unique_ptr<Instance> instance_;
};

class Bench {
 public:
  Bench(const std::filesystem::path& file, std::vector<CallOf> calls)
      : file_(file), calls_(std::move(calls)) {
    std::string folder = (std::filesystem::temp_directory_path() / "sleep-bench-XXXXXX").string();
    if (::mkdtemp(folder.data()) == nullptr) throw std::runtime_error("no temporary folder");
    folder_ = folder;
    engine_ = Engine::create({.instances_max = 20}).value();
    std::ifstream in(file, std::ios::binary);
    if (!in) throw std::runtime_error(file.string() + " cannot be read");
    const std::string wasm(std::istreambuf_iterator<char>(in), {});
    const auto cache = ModuleCache::open(folder_ / "modules", {}).value();
    module_ = cache->load(*engine_, wasm).value();
    std::filesystem::remove_all(folder_);
    if (!module_->not_capturable().empty()) throw std::runtime_error(module_->not_capturable());
  }

  bool run() {
    const std::uint32_t seed = std::random_device()();
    const bool equal = asleep_is_as_awake(seed);
    Actor actor(shard_, module_, environment_, seed);
    live(actor, 5);
    const double capture = time([&] { actor.capture(); });
    const Snapshot snapshot = actor.capture();
    const double copy = time([&] { actor.copy_and_drop(); });
    std::vector<double> restores;
    for (std::size_t i = 0; i < rounds; ++i) {
      actor.drop();
      const double begin = cpu_us();
      actor.restore(snapshot);
      restores.push_back(cpu_us() - begin);
    }
    std::printf(
        "{\"plugin\":\"%s\",\"seed\":%u,\"equal\":%s,\"snapshot_bytes\":%zu,\"capture_us\":%.1f,"
        "\"restore_us\":%.1f,\"copy_us\":%.1f,\"asleep_bytes\":%zu}\n",
        file_.filename().c_str(),
        seed,
        equal ? "true" : "false",
        snapshot.bytes().size(),
        capture,
        median(std::move(restores)),
        copy,
        weight());
    return equal;
  }

 private:
  void live(Actor& actor, int turns) {
    actor.call(calls_[0]);
    for (int turn = 0; turn < turns; ++turn) next(actor, static_cast<std::size_t>(turn));
  }
  const std::string& next(Actor& actor, std::size_t turn) {
    return actor.call(calls_[std::min<std::size_t>(
        1 + turn % std::max<std::size_t>(1, calls_.size() - 1), calls_.size() - 1)]);
  }

  bool asleep_is_as_awake(std::uint32_t seed) {
    std::mt19937 random(seed);
    Actor awake(shard_, module_, environment_, seed);
    Actor asleep(shard_, module_, environment_, seed);
    bool equal = awake.call(calls_[0]) == asleep.call(calls_[0]);
    for (int turn = 0; turn < turns; ++turn) {
      const Snapshot snapshot = Snapshot::read(asleep.capture().bytes()).value();
      asleep.drop();
      asleep.restore(snapshot);
      const std::size_t which = random();
      const std::string& output = next(awake, which);
      equal = next(asleep, which) == output && equal;
      equal = asleep.capture().bytes() == awake.capture().bytes() && equal;
      equal = asleep.vars().entries() == awake.vars().entries() && equal;
    }
    return equal;
  }

  // The median of what each takes.
  template <class Work>
  double time(Work work) {
    std::vector<double> times;
    for (std::size_t i = 0; i < rounds; ++i) {
      const double begin = cpu_us();
      work();
      times.push_back(cpu_us() - begin);
    }
    return median(std::move(times));
  }

  // Of one actor asleep, its vars and state left out.
  std::size_t weight() {
    std::vector<Snapshot> asleep;
    asleep.reserve(actors);
    std::size_t before = 0;
    for (int i = 0; i < actors; ++i) {
      Actor actor(shard_, module_, environment_, static_cast<std::uint32_t>(i));
      live(actor, 1 + i % 5);
      asleep.push_back(actor.capture());
      // What is made once is not theirs.
      if (i == actors / 10) before = resident_bytes();
    }
    return (resident_bytes() - before) / (actors - actors / 10 - 1);
  }

  const std::filesystem::path file_;
  const std::vector<CallOf> calls_;
  std::filesystem::path folder_;
  shard::Shard shard_{0};
  const Environment environment_{};
  std::unique_ptr<Engine> engine_;
  std::shared_ptr<const Module> module_;
};

}  // namespace

int main(int argc, char** argv) {
  const std::span<char*> arguments(argv, static_cast<std::size_t>(argc));
  if (argc > 1 && std::string_view(argv[1]) == "compile-module") {
    return run_compiler(argc - 2, argv + 2);
  }
  if (argc < 3) {
    std::fprintf(stderr, "sleep_bench FILE.wasm NAME[=INPUT]...\n");
    return 2;
  }
  std::vector<CallOf> calls;
  for (const std::string_view argument : arguments.subspan(2)) {
    const std::size_t at = argument.find('=');
    calls.push_back({std::string(argument.substr(0, at)),
                     at == std::string_view::npos ? "" : std::string(argument.substr(at + 1))});
  }
  try {
    return Bench(arguments[1], std::move(calls)).run() ? 0 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "sleep_bench: %s: %s\n", arguments[1], error.what());
    return 1;
  }
}
