// The journal's bytes, as a damaged disk or a stranger's backup may hold them: whatever is taken
// says the same bytes again when it is written.
#include "fuzz/check.h"
#include "journal/decode.h"
#include "journal/record.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

using namespace troupe::journal;

namespace {

// Each form of the journal has exactly one way to be written.
void content(std::string_view bytes) {
  const auto entry = decode_content(bytes, 1);
  if (entry.has_error()) return;
  std::string again;
  append_content(again, entry->subject, entry->record, entry->changes, entry->has_checkpoint);
  check(again == bytes);
  const auto seen = glance(bytes);
  check(seen.has_value() && seen->address == entry->subject.address &&
        seen->number == entry->subject.number && seen->turn == entry->record.turn);
}

// The sums are not for the fuzzer to guess: it gives what stands before them.
void batch(std::string_view bytes) {
  BatchReader reader(bytes, 7);
  Framed framed;
  while (true) {
    const auto more = reader.next(framed, BatchReader::Sums::unchecked);
    if (more.has_error() || !*more) return;
    check(framed.sequence != 0 && framed.bytes.size() >= framed.content.size());
    content(framed.content);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 5) {
    case 0:
      content(rest);
      break;
    case 1:
      batch(rest);
      break;
    case 2: {
      const auto read = decode_checkpoint(rest);
      if (read) check(decode_checkpoint(encode(*read)).value() == *read);
      break;
    }
    case 3: {
      const auto read = decode_outgoing(rest);
      if (read) check(encode(*read) == rest);
      break;
    }
    case 4: {
      const auto read = decode_alarm(rest);
      if (read) check(encode(*read) == rest);
      break;
    }
  }
  return 0;
}
