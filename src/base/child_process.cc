#include "base/child_process.h"

#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <system_error>
#include <unistd.h>

namespace troupe {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { close(); }

  void set(int number) {
    close();
    number_ = number;
  }
  void close() {
    if (number_ >= 0) ::close(number_);
    number_ = -1;
  }
  int number() const { return number_; }

 private:
  int number_;
};

struct Pipe {
  Descriptor from;
  Descriptor to;

  bool open() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return false;
    from.set(ends[0]);
    to.set(ends[1]);
    return ::fcntl(from.number(), F_SETFL, O_NONBLOCK) == 0;
  }

  // Reads what is there; closes the end when nothing more can come.
  template <class Take>
  void drain(Take take) {
    std::array<char, 16384> buffer{};
    while (from.number() >= 0) {
      const ssize_t size = ::read(from.number(), buffer.data(), buffer.size());
      if (size > 0) {
        take(std::string_view(buffer.data(), static_cast<std::size_t>(size)));
      } else if (size == 0 || (errno != EINTR && errno != EAGAIN)) {
        from.close();
      } else if (errno == EAGAIN) {
        return;
      }
    }
  }
};

void append(std::string& text, std::string_view piece, std::size_t bytes_max) {
  text.append(piece.substr(0, bytes_max - std::min(bytes_max, text.size())));
}

std::vector<std::string> environment_with(
    const std::vector<std::pair<std::string, std::string>>& variables) {
  std::vector<std::string> all;
  for (char** each = environ; *each != nullptr; ++each) {
    const std::string_view entry = *each;
    const bool replaced = std::ranges::any_of(variables, [&](const auto& variable) {
      return entry.starts_with(variable.first) &&
             entry.substr(variable.first.size()).starts_with('=');
    });
    if (!replaced) all.emplace_back(entry);
  }
  for (const auto& [name, value] : variables) all.push_back(name + '=' + value);
  return all;
}

std::vector<char*> pointers_to(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  pointers.reserve(words.size() + 1);
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

pid_t spawn(const Command& command, const Pipe& output, const Pipe& errors) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  if (!command.folder.empty()) {
    posix_spawn_file_actions_addchdir_np(&actions, command.folder.c_str());
  }
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output.to.number(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, errors.to.number(), STDERR_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  posix_spawnattr_setpgroup(&attributes, 0);

  std::vector<std::string> words = command.words;
  std::vector<std::string> environment = environment_with(command.variables);
  pid_t child = -1;
  const int failed = ::posix_spawn(&child,
                                   command.words.front().c_str(),
                                   &actions,
                                   &attributes,
                                   pointers_to(words).data(),
                                   pointers_to(environment).data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return failed == 0 ? child : -1;
}

}  // namespace

Finished run(const Command& command) {
  Finished finished;
  Pipe output;
  Pipe errors;
  if (!output.open() || !errors.open()) return finished;
  const pid_t child = spawn(command, output, errors);
  output.to.close();
  errors.to.close();
  if (child < 0) return finished;
  finished.started = true;

  const auto read_both = [&] {
    output.drain(
        [&](std::string_view piece) { append(finished.output, piece, command.output_bytes_max); });
    errors.drain([&](std::string_view piece) {
      append(finished.errors, piece, command.output_bytes_max);
      if (command.errors_seen) command.errors_seen(piece);
    });
  };
  // The end of the program counts, not that of its streams, which something it has left behind in
  // the background may hold open.
  // By its number: the header of glibc 2.36 declares it as if for C alone.
  const Descriptor ended(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
  const Clock::time_point deadline = Clock::now() + command.time_max;
  for (;;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    std::array<pollfd, 3> waiting = {pollfd{output.from.number(), POLLIN, 0},
                                     pollfd{errors.from.number(), POLLIN, 0},
                                     pollfd{ended.number(), POLLIN, 0}};
    const int ready =
        left <= 0 ? 0 : ::poll(waiting.data(), waiting.size(), static_cast<int>(left));
    if (ready < 0 && errno == EINTR) continue;
    read_both();
    if (ready <= 0) {
      finished.timed_out = true;
      ::kill(-child, SIGKILL);
      break;
    }
    if (waiting[2].revents != 0) break;
    // A system without such descriptors: then the ends of the streams have to do.
    if (ended.number() < 0 && output.from.number() < 0 && errors.from.number() < 0) break;
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  read_both();
  finished.exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return finished;
}

std::vector<fs::path> find_programs(std::string_view name) {
  std::vector<fs::path> found;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing here changes the environment.
  const char* path = std::getenv("PATH");
  std::string_view rest = path != nullptr ? path : "";
  while (!rest.empty()) {
    const std::size_t end = rest.find(':');
    fs::path candidate = fs::path(rest.substr(0, end)) / name;
    std::error_code error;
    if (candidate.is_absolute() && fs::is_regular_file(candidate, error) &&
        ::access(candidate.c_str(), X_OK) == 0) {
      found.push_back(std::move(candidate));
    }
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  }
  return found;
}

std::optional<fs::path> find_program(std::string_view name) {
  std::vector<fs::path> found = find_programs(name);
  if (found.empty()) return std::nullopt;
  return std::move(found.front());
}

}  // namespace troupe
