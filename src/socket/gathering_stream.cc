#include "socket/gathering_stream.h"

#include <cassert>

namespace troupe::socket {

namespace {

// An idle connection keeps no more room than this for what it will send next.
constexpr std::size_t kept_bytes_max = 1024;

}  // namespace

void FlushQueue::add(GatheringStream& stream) {
  if (stream.is_linked()) return;
  entries_.push_back(stream);
  if (scheduled_) return;
  scheduled_ = true;
  boost::asio::post(io_, [this] { flush_all(); });
}

void FlushQueue::flush_all() {
  scheduled_ = false;
  while (!entries_.empty()) {
    auto& stream = static_cast<GatheringStream&>(entries_.front());
    entries_.pop_front();
    stream.flush();
  }
}

GatheringStream::GatheringStream(Socket socket,
                                 Owner& owner,
                                 FlushQueue& flush_queue,
                                 const shard::TimerWheel& clock,
                                 std::size_t unsent_bytes_max)
    : socket_(std::move(socket)),
      flush_queue_(flush_queue),
      clock_(clock),
      owner_(owner),
      unsent_bytes_max_(unsent_bytes_max),
      received_at_(clock.now()) {}

void GatheringStream::append(std::span<const std::string_view> pieces) {
  if (sealed_) return;
  for (const std::string_view piece : pieces) out_ += piece;
  if (is_over_bound()) was_over_bound_ = true;
  if (reading_ && !waiting_for_room_) flush_queue_.add(*this);
}

void GatheringStream::abort() {
  seal();
  unlink();
  out_ = {};
  sent_ = 0;
  socket_.close();
}

// Whether the client is not likely to have said more already.
bool GatheringStream::before_reading() {
  received_at_ = clock_.now();
  const bool has_worked = !std::exchange(reading_, true);
  return flush() || has_worked;
}

bool GatheringStream::flush() {
  unlink();
  if (waiting_for_room_ || unsent_bytes() == 0) return false;
  ErrorCode error;
  sent_ += socket_.send_now(std::string_view(out_).substr(sent_), error);
  if (error) {
    abort();
  } else if (unsent_bytes() > 0) {
    wait_for_room();
  } else {
    on_sent();
  }
  return true;
}

void GatheringStream::on_sent() {
  out_.clear();
  sent_ = 0;
  if (out_.capacity() > kept_bytes_max) out_ = {};
  if (!std::exchange(was_over_bound_, false)) return;
  boost::asio::post(socket_.get_executor(),
                    [this, alive = owner_.keep_alive()] { owner_.on_drained(); });
}

void GatheringStream::wait_for_room() {
  // What has left need not be kept with what has not; moved only when that is the smaller part.
  if (sent_ > out_.size() / 2) {
    out_.erase(0, sent_);
    sent_ = 0;
  }
  waiting_for_room_ = true;
  socket_.async_wait_writable([this, alive = owner_.keep_alive()](ErrorCode error) {
    waiting_for_room_ = false;
    if (!error) flush();
  });
}

bool GatheringStream::finish_sending() {
  flush();
  if (unsent_bytes() > 0) return false;
  ErrorCode ignored;
  socket_.end_sending(ignored);
  return true;
}

}  // namespace troupe::socket
