// A disk under SQLite that fails as a test wants it to, and loses what was not synced.
//
// A VFS of SQLite that passes everything on to the system's own, and notes for each file what was
// written since its last sync. crash() then makes of the files what a loss of power might: of what
// was not synced some writes are there, some are not, and some are torn in the middle. For tests
// alone; one at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace troupe::journal {

class FaultyDisk {
 public:
  // Whether SQLite is told that a torn write leaves what is beside it alone (as its own VFS says)
  // or that nothing is certain.
  enum class Promise { powersafe_overwrite, nothing };

  // Registers itself under name().
  FaultyDisk(std::uint64_t seed, Promise promise);
  FaultyDisk(const FaultyDisk&) = delete;
  FaultyDisk& operator=(const FaultyDisk&) = delete;
  ~FaultyDisk();

  static std::string name() { return "faulty"; }

  // From now on writes and syncs fail, with the disk full or with an error of the device; or again
  // not. From any thread.
  enum class Fault { none, full, error };
  void fail(Fault fault);
  // After so many more writes and syncs: error, from then on.
  void fail_after(std::uint64_t operations);

  // Every file as after a loss of power. Nobody may have one open. With what is left every file
  // begins anew: it counts as synced.
  void crash();

  struct State;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace troupe::journal
