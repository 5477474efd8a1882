// The journal's bytes read back: written from docs/formats/journal.md, not from the encoder.
//
// What disks and strangers hand over may be anything: all of it is checked, and an Error names what
// is wrong and at which byte. Nothing here does I/O; any thread may use it.
#pragma once

#include "base/result.h"
#include "journal/record.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace troupe::journal {

// One entry in its frame.
struct Framed {
  std::size_t offset = 0;         // of the frame in the batch
  std::string_view bytes;         // the frame
  std::size_t summed_offset = 0;  // within it, where the sum begins to count
  std::string_view content;       // within it
  std::uint64_t previous_batch = 0;
  std::uint64_t sequence = 0;
};

// Goes over the entries of a batch. Borrows the text.
class BatchReader {
 public:
  BatchReader(std::string_view batch, std::uint64_t id) : batch_(batch), id_(id) {}

  enum class Sums : std::uint8_t { checked, unchecked };
  // False at the end. After an Error there is nothing more to read.
  Result<bool> next(Framed& framed, Sums sums = Sums::checked);
  // The sum of one that was read without.
  Result<> check(const Framed& framed) const;

 private:
  std::string_view batch_;
  std::uint64_t id_;
  std::size_t at_ = 0;
};

Result<Entry> decode_content(std::string_view content, std::uint64_t sequence);
// Whose entry it is: cheaper than all of it. The address is borrowed.
struct Glance {
  Kind kind = Kind::turn;
  std::string_view address;
  std::uint64_t number = 0;
  std::uint64_t incarnation = 0;
  std::uint64_t turn = 0;
  std::int64_t time_ns = 0;
};
Result<Glance> glance(std::string_view content);

Result<Checkpoint> decode_checkpoint(std::string_view body);
Result<Outgoing> decode_outgoing(std::string_view body);
Result<Alarm> decode_alarm(std::string_view body);

}  // namespace troupe::journal
