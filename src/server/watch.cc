#include "server/watch.h"

#include "actor/ask.h"
#include "actor/outbox.h"
#include "actor/viewer.h"
#include "base/json.h"

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace troupe::server {
namespace {

// Owned by its stream. Lives on the stream's shard.
class Watch final : public actor::Outbox {
 public:
  Watch(actor::System& system, std::shared_ptr<wire::EventStream> stream)
      : system_(system), stream_(std::move(stream)) {}
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  ~Watch() override {
    if (viewer_) viewer_->outbox = nullptr;
  }

  void begin(std::size_t shard, std::size_t actor_shard, const actor::Address& address) {
    viewer_ = std::make_shared<actor::Viewer>(actor::Viewer{.shard = shard,
                                                            .actor_shard = actor_shard,
                                                            .address = address,
                                                            .ends_actor = false,
                                                            .id = "",
                                                            .person = "",
                                                            .topic = "",
                                                            .params = "{}",
                                                            .watches = true});
    viewer_->outbox = this;
    system_.join(viewer_);
  }

  // The client is gone.
  void leave() {
    if (!viewer_) return;
    viewer_->outbox = nullptr;
    system_.leave(viewer_);
    viewer_.reset();
  }

 private:
  // Outbox
  void joined() override {}
  void refused(std::string_view payload) override {
    tell(fmt::format(R"({{"type":"refused","reason":{}}})", payload));
    end();
  }
  void state(std::string_view state, actor::StateReason) override {
    version_ = 0;
    tell(fmt::format(R"({{"type":"state","version":0,"state":{}}})", state));
  }
  void patch(std::string_view patch) override {
    if (patch == "[]") return;
    tell(fmt::format(R"({{"type":"patch","version":{},"patch":{}}})", ++version_, patch));
  }
  void push(std::string_view name, std::string_view detail) override {
    std::string quoted;
    json::quote(quoted, name);
    tell(fmt::format(R"({{"type":"push","name":{},"detail":{}}})", quoted, detail));
  }
  void error(std::string_view payload) override {
    tell(fmt::format(R"({{"type":"error","error":{}}})", payload));
  }
  void called(std::string_view, const actor::Answer&) override {}
  void answered() override {}
  void ended(actor::EndReason reason) override {
    tell(fmt::format(R"({{"type":"ended","reason":"{}"}})",
                     reason == actor::EndReason::crashed ? "crashed" : "over"));
    end();
  }

  // A client that reads too slowly is disconnected by the stream, which then is over.
  void tell(const std::string& message) { stream_->send(message); }

  // The actor has let the viewer go.
  void end() {
    viewer_->outbox = nullptr;
    viewer_.reset();
    stream_->close();
  }

  actor::System& system_;
  const std::shared_ptr<wire::EventStream> stream_;
  actor::ViewerPtr viewer_;  // null when it is over
  std::uint64_t version_ = 0;
};

}  // namespace

void watch(actor::System& system,
           std::size_t shard,
           std::size_t actor_shard,
           const actor::Address& address,
           std::shared_ptr<wire::EventStream> stream) {
  const auto watch = std::make_shared<Watch>(system, stream);
  watch->begin(shard, actor_shard, address);
  stream->when_over([watch] { watch->leave(); });
}

}  // namespace troupe::server
