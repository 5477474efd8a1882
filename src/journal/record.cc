#include "journal/record.h"

#include <sodium.h>

namespace troupe::journal {

InputId sender_id(std::string_view sender, std::uint64_t incarnation, std::uint64_t number) {
  InputId id;
  crypto_generichash_state state;
  crypto_generichash_init(&state, nullptr, 0, id.size());
  const auto add = [&](const void* bytes, std::size_t size) {
    crypto_generichash_update(&state, static_cast<const unsigned char*>(bytes), size);
  };
  add(&incarnation, sizeof incarnation);
  add(&number, sizeof number);
  add(sender.data(), sender.size());
  crypto_generichash_final(&state, id.data(), id.size());
  return id;
}

std::size_t bytes_of(const Answer& answer) {
  if (const auto* text = std::get_if<std::string>(&answer)) return text->size();
  const HttpAnswer& http = std::get<HttpAnswer>(answer);
  return sizeof http + http.headers.size() + http.body.size() + http.error.size();
}

}  // namespace troupe::journal
