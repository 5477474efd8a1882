#include "actor/audience.h"

#include "base/frame_cache.h"

#include <boost/container/small_vector.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace troupe::actor {

struct Audience::Shown {
  std::span<const Push> pushes;
  std::string_view text;  // a patch, or the first state
  bool is_start;
  const Viewer* caller;

  // Each call may find the channel gone: a push can make its socket end.
  void to(const Viewer& viewer) const {
    for (const Push& push : pushes) {
      if (!push.to_all && &viewer != caller) continue;
      if (viewer.outbox != nullptr) viewer.outbox->push(push.name, push.detail);
    }
    if (viewer.outbox == nullptr || text.empty()) return;
    if (is_start) {
      viewer.outbox->state(text, StateReason::joined);
    } else {
      viewer.outbox->patch(text);
    }
  }
};

namespace {

constexpr auto tell_answered = [](Outbox& outbox) { outbox.answered(); };

}  // namespace

// Until it can leave.
struct Audience::ShownCopy {
  std::vector<Push> pushes;
  std::basic_string<char, std::char_traits<char>, FrameAllocator<char>> text;

  explicit ShownCopy(const Shown& shown)
      : pushes(shown.pushes.begin(), shown.pushes.end()), text(shown.text) {}
};

Audience::Audience(shard::Shards& shards, std::size_t own_shard, Exit& exit)
    : shards_(shards), own_shard_(own_shard), exit_(exit) {}

void Audience::add(const ViewerPtr& viewer) {
  if (by_shard_.empty()) by_shard_.resize(shards_.size());
  auto& list = by_shard_[viewer->shard];
  auto next = list ? std::make_shared<Viewers>(*list) : std::make_shared<Viewers>();
  next->push_back(viewer);
  list = std::move(next);
  ++count_;
}

void Audience::remove(const Viewer& viewer) {
  if (by_shard_.empty()) return;
  auto& list = by_shard_[viewer.shard];
  if (!list) return;
  auto next = std::make_shared<Viewers>(*list);
  const auto removed =
      std::erase_if(*next, [&](const ViewerPtr& other) { return other.get() == &viewer; });
  count_ -= removed;
  list = next->empty() ? nullptr : std::move(next);
}

template <class Show>
void Audience::to_one(const ViewerPtr& viewer, Show show) {
  if (exit_.is_open()) {
    send(shards_, own_shard_, viewer, std::move(show));
    return;
  }
  exit_.hold([&shards = shards_, own_shard = own_shard_, viewer, show = std::move(show)] {
    send(shards, own_shard, viewer, show);
  });
}

template <class Show>
void Audience::send(shard::Shards& shards,
                    std::size_t own_shard,
                    const ViewerPtr& viewer,
                    Show show) {
  if (viewer->shard == own_shard) {
    if (viewer->outbox != nullptr) show(*viewer->outbox);
    return;
  }
  shards[viewer->shard].send([viewer, show = std::move(show)] {
    if (viewer->outbox != nullptr) show(*viewer->outbox);
  });
}

void Audience::show_joined(const ViewerPtr& viewer) {
  to_one(viewer, [](Outbox& outbox) { outbox.joined(); });
}

void Audience::show_refused(const ViewerPtr& viewer, std::string_view payload) {
  to_one(viewer, [payload = std::string(payload)](Outbox& outbox) { outbox.refused(payload); });
}

void Audience::show_state(const ViewerPtr& viewer, std::string_view state, StateReason reason) {
  to_one(viewer,
         [state = std::string(state), reason](Outbox& outbox) { outbox.state(state, reason); });
}

void Audience::show_error(const ViewerPtr& viewer, std::string_view payload) {
  to_one(viewer, [payload = std::string(payload)](Outbox& outbox) { outbox.error(payload); });
}

void Audience::show_answered(const ViewerPtr& viewer) {
  to_one(viewer, tell_answered);
}

void Audience::show_called(const ViewerPtr& viewer, std::string_view ref, Answer answer) {
  to_one(viewer, [ref = std::string(ref), answer = std::move(answer)](Outbox& outbox) {
    outbox.called(ref, answer);
    outbox.answered();
  });
}

void Audience::show_end(const ViewerPtr& viewer, EndReason reason) {
  to_one(viewer, [reason](Outbox& outbox) { outbox.ended(reason); });
}

void Audience::show_end(EndReason reason) {
  const auto lists = std::exchange(by_shard_, {});
  count_ = 0;
  for (const auto& list : lists) {
    if (!list) continue;
    for (const ViewerPtr& viewer : *list) {
      viewer->actor = nullptr;
      show_end(viewer, reason);
    }
  }
}

void Audience::show_turn(std::span<const Push> pushes,
                         std::string_view patch,
                         const ViewerPtr& caller,
                         bool answers) {
  show({pushes, patch, false, caller.get()}, answers ? caller : nullptr);
}

void Audience::show_start(std::span<const Push> pushes,
                          std::string_view state,
                          const Viewer* caller) {
  show({pushes, state, true, caller});
}

void Audience::show(const Shown& shown, const ViewerPtr& answered) {
  using Lists = boost::container::small_vector<List, 4>;
  const bool shows = count_ != 0 && !(shown.pushes.empty() && shown.text.empty());
  if (!shows || exit_.is_open()) {
    if (shows) show(shards_, own_shard_, Lists(by_shard_.begin(), by_shard_.end()), shown);
    if (answered) show_answered(answered);
    return;
  }
  // Who joins until then gets the state that this has led to.
  exit_.hold([&shards = shards_,
              own_shard = own_shard_,
              lists = Lists(by_shard_.begin(), by_shard_.end()),
              copy = ShownCopy(shown),
              is_start = shown.is_start,
              caller = shown.caller,
              answered] {
    show(shards,
         own_shard,
         {lists.data(), lists.size()},
         {copy.pushes, copy.text, is_start, caller});
    if (answered) send(shards, own_shard, answered, tell_answered);
  });
}

void Audience::show(shard::Shards& shards,
                    std::size_t own_shard,
                    std::span<const List> lists,
                    const Shown& shown) {
  std::shared_ptr<const ShownCopy> copy;  // made for the first other shard, shared by the rest

  for (std::size_t shard = 0; shard < lists.size(); ++shard) {
    const List& viewers = lists[shard];
    if (!viewers) continue;
    if (shard == own_shard) {
      for (const ViewerPtr& viewer : *viewers) shown.to(*viewer);
      continue;
    }
    if (!copy) {
      copy = std::make_shared<const ShownCopy>(shown);
    }
    shards[shard].send([viewers, copy, is_start = shown.is_start, caller = shown.caller] {
      const Shown there{copy->pushes, copy->text, is_start, caller};
      for (const ViewerPtr& viewer : *viewers) there.to(*viewer);
    });
  }
}

}  // namespace troupe::actor
