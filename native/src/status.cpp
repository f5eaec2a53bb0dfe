#include "status.h"

#include <cstdarg>
#include <cstdio>

namespace plait {
namespace {
thread_local char message[512] = "";
}  // namespace

plait_status Fail(plait_status status, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(message, sizeof(message), format, arguments);
  va_end(arguments);
  return status;
}

}  // namespace plait

extern "C" const char* plait_last_error(void) { return plait::message; }
