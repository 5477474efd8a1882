#include "base/result.h"

#include <stdexcept>

namespace troupe {

void throw_exception_from_error(const Error& error, const boost::source_location&) {
  throw std::runtime_error(error.message);
}

}  // namespace troupe
