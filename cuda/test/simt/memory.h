// The ranges of memory that the emulated devices and the host have allocated.
#ifndef PLAIT_CUDA_TEST_SIMT_MEMORY_H_
#define PLAIT_CUDA_TEST_SIMT_MEMORY_H_

#include <cstddef>

namespace simt {

struct MemoryRange {
  bool known = false;
  bool host = false;  // page-locked by cudaMallocHost
  int device = 0;
  const char* begin = nullptr;
  const char* end = nullptr;
};

// The range that `pointer` lies in; `known` is false where there is none.
MemoryRange FindRange(const void* pointer);

// Whether pointers into no range count as device memory.
bool AnyPointer();

}  // namespace simt

#endif  // PLAIT_CUDA_TEST_SIMT_MEMORY_H_
