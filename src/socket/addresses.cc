#include "socket/addresses.h"

#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <utility>

namespace troupe::socket {

namespace {

std::string network_of(std::string_view text) {
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(text, error);
  if (error || !address.is_v6() || address.to_v6().is_v4_mapped()) return std::string(text);
  auto bytes = address.to_v6().to_bytes();
  std::fill(bytes.begin() + 8, bytes.end(), 0);
  return boost::asio::ip::address_v6(bytes).to_string();
}

}  // namespace

struct Addresses::Stay {
  Stay(std::shared_ptr<Addresses> all, std::shared_ptr<Entry> of)
      : addresses(std::move(all)), entry(std::move(of)) {}
  Stay(const Stay&) = delete;
  Stay& operator=(const Stay&) = delete;
  ~Stay() { addresses->leave(*entry); }

  const std::shared_ptr<Addresses> addresses;
  const std::shared_ptr<Entry> entry;
};

Addresses::Entrance Addresses::enter(std::string_view address, std::int64_t now_ns) {
  std::string network = network_of(address);
  std::shared_ptr<Entry> entry;
  bool is_welcome = true;
  {
    const std::lock_guard lock(mutex_);
    if (entries_.size() >= forget_at_) forget_idle(now_ns);
    auto& found = entries_[std::move(network)];
    if (!found) found = std::make_shared<Entry>(rules_);
    is_welcome = found->connections < connections_max_;
    if (found->connections >= connections_max_ + refused_max) return {};
    ++found->connections;
    entry = found;
  }
  auto stay = std::make_shared<Stay>(shared_from_this(), std::move(entry));
  channel::AddressUse* use = &stay->entry->use;
  return {Visit(std::move(stay), use), is_welcome};
}

void Addresses::leave(Entry& entry) {
  const std::lock_guard lock(mutex_);
  --entry.connections;
}

// Who comes back at once finds the rates as they were; who has been away for long has none.
void Addresses::forget_idle(std::int64_t now_ns) {
  std::erase_if(entries_, [&](const auto& pair) {
    return pair.second->connections == 0 && pair.second->use.is_at_rest(now_ns);
  });
  forget_at_ = std::max<std::size_t>(1024, 2 * entries_.size());
}

std::size_t Addresses::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

}  // namespace troupe::socket
