// Stands in for CUDA's header of this name.
#ifndef PLAIT_CUDA_TEST_CUDA_RUNTIME_H_
#define PLAIT_CUDA_TEST_CUDA_RUNTIME_H_

#include "simt.h"
#include "simt_runtime.h"

#endif  // PLAIT_CUDA_TEST_CUDA_RUNTIME_H_
