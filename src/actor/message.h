// What waits in an actor's mailbox.
#pragma once

#include "actor/ask.h"
#include "actor/viewer.h"
#include "journal/record.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace troupe::actor {

struct Message {
  enum class Kind {
    join,     // a new viewer wants the state
    event,    // the export `name` with `payload` and the state
    call,     // the export `name` with the bytes of `payload`
    notice,   // of a topic the actor has subscribed to: handle_message with `payload`
    timer,    // `name` has run out, unless it was set again: `generation` tells
    refresh,  // a viewer wants the state again
    leave,    // a viewer is gone
    show,     // what is to be known about the actor
    stop,     // sleep now
    restart,  // drop the instance: back to the last commit
    end,      // the actor's life is over
    upgrade,  // a new version has been installed
    wake,     // a timer is due soon: be there
    rewind,   // be again as at the end of the turn `generation` of this life
    fork,  // begin as a copy of the actor `name` at the end of its turn `generation`; 0: its last
  };

  Kind kind = Kind::event;
  // Who is to be told what came of it; both may be null.
  ViewerPtr viewer;
  AskPtr ask;
  std::string name;
  std::string payload;  // JSON text, of a call any bytes
  // Of a viewer's call: the frame that is to be answered, as the channel knows it.
  std::string ref;
  std::uint64_t generation = 0;
  // When it came to an actor that had to let it wait; 0: it did not wait.
  std::int64_t arrived_ns = 0;
  // Who sent it and its number there; all zero: drawn when the turn begins.
  journal::InputId input_id{};
  // Of a durable actor's message: it waits in the journal's outbox until this one's turn is
  // durable, or somebody drops it. Sender, incarnation and number say which it is. Else null.
  std::shared_ptr<const journal::Outgoing> delivery;
  bool settled = false;  // its sender has been told that it need not wait for it

  // Whether somebody waits for it to be handled.
  bool is_awaited() const { return delivery && !settled; }
  std::size_t bytes() const { return name.size() + payload.size(); }
  // Whether it takes room that others need: what a client or another actor may send as often as it
  // likes. Joins and leaves, timers and orders have room of their own, for each is there once. A
  // delivery has had its room since its sender's turn (Bounds::outbox_max).
  bool is_bounded() const {
    if (delivery) return false;
    return kind == Kind::event || kind == Kind::call || kind == Kind::notice ||
           kind == Kind::refresh;
  }
};

}  // namespace troupe::actor
