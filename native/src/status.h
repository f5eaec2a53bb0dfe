// Statuses and the message that goes with a refusal. A message is kept per thread, in fixed storage: no allocation.
#ifndef PLAIT_SRC_STATUS_H_
#define PLAIT_SRC_STATUS_H_

#include "plait.h"

namespace plait {

// Records the message of this thread's refusal (printf style) and returns `status`.
__attribute__((format(printf, 2, 3))) plait_status Fail(plait_status status, const char* format, ...);

// Shorthand for the commonest refusal.
#define PLAIT_REFUSE(...) return ::plait::Fail(PLAIT_INVALID_ARGUMENT, __VA_ARGS__)

// Returns from the enclosing function unless `expression` is PLAIT_OK.
#define PLAIT_TRY(expression)                                  \
  do {                                                         \
    const plait_status plait_try_status = (expression);        \
    if (plait_try_status != PLAIT_OK) return plait_try_status; \
  } while (false)

}  // namespace plait

#endif  // PLAIT_SRC_STATUS_H_
