#include "socket/event_connection.h"

#include "socket/gathering_stream.h"

#include <array>
#include <cstddef>
#include <functional>
#include <string>
#include <utility>

namespace troupe::socket {

namespace {

class EventConnection final : public Connection, private GatheringStream::Owner {
 public:
  EventConnection(Hub& hub, Socket socket)
      : Connection(hub),
        bytes_(std::move(socket),
               *this,
               hub.flush_queue,
               hub.wheel,
               hub.site.limits.unsent_bytes_max) {}

  void start(std::string_view header) {
    bytes_.append(header);
    // The client comes back so many milliseconds after the stream has ended.
    bytes_.append("retry: 1000\n\n");
    hub().wheel.set(*this, hub().site.limits.stream_keep_alive);
    read();
  }

  bool send(std::string_view data) {
    if (is_abandoned() || bytes_.is_sealed()) return false;
    std::string event;
    while (true) {
      const std::size_t end = data.find('\n');
      event += "data: ";
      event += data.substr(0, end);
      event += '\n';
      if (end == data.npos) break;
      data.remove_prefix(end + 1);
    }
    event += '\n';
    bytes_.append(event);
    if (bytes_.is_over_bound()) {
      hub().site.bounds.reached(Bound::socket_unsent_bytes);
      abort();
    }
    return !bytes_.is_sealed();
  }

  void when_over(std::function<void()> done) {
    if (is_abandoned()) return;
    if (bytes_.is_sealed()) return done();
    over_ = std::move(done);
  }

  ~EventConnection() override {
    if (over_) over_();
  }

  void end() {
    if (is_abandoned() || bytes_.is_sealed()) return;
    bytes_.seal();
    // The read that waits for the client completes, and finishes.
    bytes_.next_layer().cancel();
  }

  void drain() override { end(); }
  void abort() override { bytes_.abort(); }

 private:
  // A client of an event stream says nothing; its end is what is waited for.
  void read() {
    bytes_.async_read_some(boost::asio::buffer(received_),
                           [self = std::static_pointer_cast<EventConnection>(shared_from_this())](
                               ErrorCode error, std::size_t) { self->on_read(error); });
  }

  void on_read(ErrorCode error) {
    if (!error && !bytes_.is_sealed()) return read();
    if (error && error != boost::asio::error::operation_aborted) {
      cancel();
      return bytes_.abort();
    }
    bytes_.async_finish(
        [self = shared_from_this()](ErrorCode) { static_cast<EventConnection&>(*self).cancel(); });
  }

  // Connection
  void release() override { over_ = nullptr; }
  void on_timeout() override {
    if (bytes_.is_sealed()) return abort();
    // Proxies and clients close what is silent for long.
    bytes_.append(": still here\n\n");
    hub().wheel.set(*this, hub().site.limits.stream_keep_alive);
  }

  // GatheringStream::Owner
  std::shared_ptr<void> keep_alive() override { return shared_from_this(); }
  void on_drained() override {}
  void on_teardown() override { hub().wheel.set(*this, hub().site.limits.close_timeout); }

  GatheringStream bytes_;
  std::array<char, 64> received_;
  std::function<void()> over_;
};

// What the feeder holds: the connection ends without waiting for it.
class FeedersEnd final : public wire::EventStream {
 public:
  explicit FeedersEnd(std::weak_ptr<EventConnection> connection)
      : connection_(std::move(connection)) {}
  FeedersEnd(const FeedersEnd&) = delete;
  FeedersEnd& operator=(const FeedersEnd&) = delete;
  ~FeedersEnd() override { close(); }

  bool send(std::string_view data) override {
    const auto connection = connection_.lock();
    return connection && connection->send(data);
  }
  void close() override {
    if (const auto connection = connection_.lock()) connection->end();
  }
  void when_over(std::function<void()> done) override {
    const auto connection = connection_.lock();
    if (!connection) return done();
    connection->when_over(std::move(done));
  }

 private:
  std::weak_ptr<EventConnection> connection_;
};

}  // namespace

std::shared_ptr<wire::EventStream> start_event_stream(Hub& hub,
                                                      Socket socket,
                                                      std::string_view header) {
  auto connection = std::make_shared<EventConnection>(hub, std::move(socket));
  connection->start(header);
  return std::make_shared<FeedersEnd>(std::move(connection));
}

std::shared_ptr<wire::EventStream> ended_event_stream() {
  return std::make_shared<FeedersEnd>(std::weak_ptr<EventConnection>());
}

}  // namespace troupe::socket
