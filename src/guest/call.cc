#include "guest/call.h"

#include "guest/text.h"

#include <sodium/crypto_stream_chacha20.h>

#include <algorithm>
#include <cstring>
#include <limits>

namespace troupe::guest {

constinit thread_local Call* running_call = nullptr;

std::int64_t TurnSource::read_clock_ns() {
  const std::int64_t reading = time_ns_;
  advance(1000);
  return reading;
}

void TurnSource::advance(std::uint64_t ns) {
  const auto room = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max() -
                                               std::max<std::int64_t>(time_ns_, 0));
  time_ns_ += static_cast<std::int64_t>(std::min(ns, room));
}

void TurnSource::random(std::span<std::uint8_t> bytes) {
  static constexpr std::array<std::uint8_t, crypto_stream_chacha20_IETF_NONCEBYTES> nonce{};
  static constexpr std::size_t block_bytes = 64;
  std::array<std::uint8_t, block_bytes> block{};
  while (!bytes.empty()) {
    const std::size_t within = random_at_ % block_bytes;
    const auto number = static_cast<std::uint32_t>(random_at_ / block_bytes);
    std::size_t count = 0;
    if (within == 0 && bytes.size() >= block_bytes) {
      count = bytes.size() / block_bytes * block_bytes;
      std::memset(bytes.data(), 0, count);
      crypto_stream_chacha20_ietf_xor_ic(
          bytes.data(), bytes.data(), count, nonce.data(), number, seed_.data());
    } else {
      count = std::min(bytes.size(), block_bytes - within);
      block.fill(0);
      crypto_stream_chacha20_ietf_xor_ic(
          block.data(), block.data(), block.size(), nonce.data(), number, seed_.data());
      std::memcpy(bytes.data(), block.data() + within, count);
    }
    random_at_ += count;
    bytes = bytes.subspan(count);
  }
}

void LineWriter::write(std::string_view bytes, LogLevel lowest, Host& host) {
  if (host.wrote(level_, bytes) || level_ < lowest) return;
  while (!bytes.empty()) {
    const std::string_view fitting = bytes.substr(0, line_bytes_max - line_.size());
    const std::size_t end = fitting.find('\n');
    const bool ended = end != std::string_view::npos;
    line_.append(fitting.substr(0, end));
    bytes.remove_prefix(ended ? end + 1 : fitting.size());
    if (ended || line_.size() == line_bytes_max) flush(lowest, host);
  }
}

void LineWriter::flush(LogLevel lowest, Host& host) {
  if (line_.empty() || level_ < lowest) return;
  host.log(level_, readable(line_, 4 * line_bytes_max));
  line_.clear();
}

std::optional<std::uint32_t> Pollables::add(std::uint64_t due_ns) {
  if (!free_.empty()) {
    const std::uint32_t number = free_.back();
    free_.pop_back();
    due_ns_[number] = due_ns;
    return number;
  }
  if (due_ns_.size() == count_max) return std::nullopt;
  due_ns_.push_back(due_ns);
  return static_cast<std::uint32_t>(due_ns_.size() - 1);
}

void Pollables::remove(std::uint32_t number) {
  if (number < due_ns_.size()) free_.push_back(number);
}

std::uint64_t Pollables::due_ns(std::uint32_t number) const {
  return number < due_ns_.size() ? due_ns_[number] : 0;
}

void Call::end_output() {
  standard_output.flush(environment.limits.log_level, host);
  standard_error.flush(environment.limits.log_level, host);
}

}  // namespace troupe::guest
