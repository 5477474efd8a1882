// Expected failures as values: Result<T> holds a T or an Error.
//
// An Error's message is read by strangers: it names what is wrong, where, and what to do. Where
// code must decide by the kind of failure, the folder that fails has an enum of its own beside the
// text.
#pragma once

#include <boost/system/result.hpp>

#include <initializer_list>
#include <string>
#include <utility>

namespace troupe {

struct Error {
  std::string message;

  Error() = default;
  // Error{"text"}, but not Error("text"): if a string could be converted, Result<std::string> would
  // not know which of its two sides a string is.
  Error(std::initializer_list<std::string> text) : message(*text.begin()) {}
};

// Called by Result::value() on an error; use it only where a test wants an exception.
[[noreturn]] void throw_exception_from_error(const Error& error,
                                             const boost::source_location& where);

template <class T = void>
using Result = boost::system::result<T, Error>;

}  // namespace troupe

#define TROUPE_CONCAT_(a, b) a##b
#define TROUPE_CONCAT(a, b) TROUPE_CONCAT_(a, b)

#define TROUPE_TRY_(keyword, temporary, declaration, ...)                           \
  auto temporary = (__VA_ARGS__);                                                   \
  if (temporary.has_error()) keyword ::troupe::Error(std::move(temporary).error()); \
  declaration = std::move(*temporary)

// TRY(Type name, expression): name is the value, or this function returns the error.
#define TRY(declaration, ...) \
  TROUPE_TRY_(return, TROUPE_CONCAT(try_, __LINE__), declaration, __VA_ARGS__)
// The same in a coroutine: CO_TRY(Type name, co_await task).
#define CO_TRY(declaration, ...) \
  TROUPE_TRY_(co_return, TROUPE_CONCAT(try_, __LINE__), declaration, __VA_ARGS__)

// For a Result<void>: returns its error, if it has one.
#define TRY_VOID(...)                                                              \
  do {                                                                             \
    auto try_void = (__VA_ARGS__);                                                 \
    if (try_void.has_error()) return ::troupe::Error(std::move(try_void).error()); \
  } while (false)
