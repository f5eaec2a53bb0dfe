// What a kernel's launcher needs to know of a device; asked once.
#ifndef PLAIT_CUDA_SRC_DEVICE_H_
#define PLAIT_CUDA_SRC_DEVICE_H_

#include <cstdint>

#include "plait.h"
#include "row_plan.h"

namespace plait::cuda {

struct Device {
  int multiprocessors;
  int shared_limit;  // bytes of shared memory that a block may have
  bool clusters;
};

// Of a device that CheckDevice has found usable.
const Device& DeviceOf(int32_t device);

// PLAIT_OK if kernels run on `device`, otherwise a failure with the reason.
plait_status CheckDevice(int32_t device);

// Refuses what is not memory of `device`, managed or page-locked.
plait_status CheckMemory(int32_t device, const char* name, const void* begin);

// Plans the rows of `logits` on a device. Refuses rows whose vectors an int could not count.
plait_status PlanRows(int32_t device, const plait_logits& logits, RowPlan* plan);

// Lets a kernel have all the shared memory of the device, and its multiprocessors prefer it to cache.
plait_status AllowSharedMemory(int32_t device, const char* name, const void* kernel);

}  // namespace plait::cuda

#endif  // PLAIT_CUDA_SRC_DEVICE_H_
