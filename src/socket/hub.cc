#include "socket/hub.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace troupe::socket {

const std::string* Site::mount_of(std::string_view path) const {
  constexpr std::string_view transport = "/websocket";
  if (!path.ends_with(transport)) return nullptr;
  path.remove_suffix(transport.size());
  const auto found = std::find(mounts.begin(), mounts.end(), path);
  return found == mounts.end() ? nullptr : &*found;
}

Connection::Connection(Hub& hub) : hub_(&hub) {
  hub.connections_.push_back(*this);
  ++hub.site.connection_count;
}

Connection::~Connection() {
  if (hub_ == nullptr) return;
  unlink_from_hub();
  --hub_->site.connection_count;
  hub_->left();
}

void Connection::unlink_from_hub() {
  using Hook =
      boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>,
                                       boost::intrusive::tag<Hub>>;
  Hook::unlink();
}

void Connection::abandon() {
  cancel();
  abort();
  release();
  unlink_from_hub();
  --hub_->site.connection_count;
  hub_ = nullptr;
}

Hub::Hub(shard::Shard& shard, Site& site)
    : shard(shard),
      site(site),
      wheel(shard.io(), site.limits.tick),
      flush_queue(shard.io()),
      trampoline(shard.io()) {}

Hub::~Hub() {
  while (!connections_.empty()) {
    // Its operations are destroyed with the event loop; until then it must not be.
    const auto alive = connections_.front().shared_from_this();
    alive->abandon();
  }
}

void Hub::log_refused(std::string_view origin) {
  constexpr std::size_t shown_bytes_max = 200;
  if (!refused_origins_.is_news(origin.substr(0, shown_bytes_max), wheel.now())) return;
  if (!wire::parse_origin(origin)) {
    site.log.warn(
        "refused a page whose Origin is \"{}\": it names no site (a file or a sandboxed frame?); "
        "serve the page over HTTP",
        origin.substr(0, shown_bytes_max));
    return;
  }
  site.log.warn(
      "refused a page of {0}; to let it in, put this under [http] in the configuration: origins = "
      "[\"{0}\"]",
      origin.substr(0, shown_bytes_max));
}

void Hub::drain(std::function<void()> done) {
  assert(!draining_);
  draining_ = true;
  drained_ = std::move(done);
  wheel.set(drain_timeout_, site.limits.drain_timeout);
  for (auto it = connections_.begin(); it != connections_.end();) (it++)->drain();
  left();
}

void Hub::end_drain() {
  std::size_t count = 0;
  for (auto it = connections_.begin(); it != connections_.end(); ++count) {
    site.bounds.reached(Bound::drain);
    (it++)->abort();
  }
  site.log.warn("connections that did not end within {} ms and were cut: {}",
                site.limits.drain_timeout.count(),
                count);
}

void Hub::left() {
  if (!draining_ || !connections_.empty() || !drained_) return;
  drain_timeout_.cancel();
  std::exchange(drained_, nullptr)();
}

}  // namespace troupe::socket
