// The session of a browser: a random token it keeps, and the letters that stand for it.
//
// The token is a secret between the browser and this file's callers: it reaches no guest, log,
// metric, record or dump. All else knows the letters, which do not lead back to it without the
// server's key. Pure but for new_session(), which asks the system for random bits; from any thread.
#pragma once

#include <string>
#include <string_view>

namespace troupe::wire {

inline constexpr std::string_view session_cookie = "troupe_session";
// The name space of sessions that came in that cookie.
inline constexpr std::string_view cookie_sessions = "cookie";

// 128 random bits, as 22 characters of base64url.
std::string new_session();

// Whether this could be a cookie that new_session() made.
bool is_session(std::string_view text);

// 16 letters and digits of base 32: an HMAC-SHA-256 of the session under the key, cut to 80 bits.
// `name_space` keeps sessions of different origin apart (the cookie, a join parameter), whatever
// they say.
std::string session_letters(std::string_view key,
                            std::string_view name_space,
                            std::string_view session);

}  // namespace troupe::wire
