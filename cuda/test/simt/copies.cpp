// What an engine does for shared memory: the cluster's view of it, and the asynchronous copies into it.
#include <cstdint>
#include <cstring>

#include "memory.h"
#include "scheduler.h"

namespace simt {

void* Engine::MapShared(const void* pointer, unsigned rank) {
  const Block& own = *current_->block;
  const ptrdiff_t offset = static_cast<const char*>(pointer) - own.shared;
  if (offset < 0 || offset > static_cast<ptrdiff_t>(launch_->shared_bytes)) {
    simt::Fail("MapShared: %p is not in the shared memory of the block", pointer);
  }
  if (rank >= launch_->cluster) simt::Fail("MapShared: rank %u in a cluster of %u", rank, launch_->cluster);
  if (blocks_[rank].live == 0) {
    simt::Fail("MapShared: all threads of the block of rank %u have returned", rank);
  }
  return blocks_[rank].shared + offset;
}

void Engine::CopyAsync(void* shared, const void* global, int bytes) {
  const Block& block = *current_->block;
  if (bytes != 16 && bytes != 8 && bytes != 4) simt::Fail("CopyAsync: %d bytes; 16, 8 or 4 can be copied", bytes);
  if (reinterpret_cast<uintptr_t>(shared) % bytes != 0 || reinterpret_cast<uintptr_t>(global) % bytes != 0) {
    simt::Fail("CopyAsync: %p and %p are not both aligned to %d bytes", shared, global, bytes);
  }
  const ptrdiff_t offset = static_cast<char*>(shared) - block.shared;
  if (offset < 0 || offset + bytes > static_cast<ptrdiff_t>(launch_->shared_bytes)) {
    simt::Fail("CopyAsync: %d bytes at offset %td of shared memory that has %zu", bytes, offset, launch_->shared_bytes);
  }
  const char* source = static_cast<const char*>(global);
  if (source < source_begin_ || source + bytes > source_end_) {
    const MemoryRange range = FindRange(source);
    if (range.known && source + bytes > range.end) {
      simt::Fail("CopyAsync: %d bytes from %p, which is %td bytes before the end of its allocation", bytes, global,
                 range.end - source);
    }
    if (!range.known && !AnyPointer()) simt::Fail("CopyAsync: %p is not device memory", global);
    source_begin_ = range.begin;
    source_end_ = range.end;
  }
  char now[16];
  std::memcpy(now, global, bytes);           // where AddressSanitizer looks at the source
  asm volatile("" : : "r"(now) : "memory");  // and the compiler may not skip it
  // The bytes may come at any time from now: neither what was there nor what comes may be read before the wait.
  std::memset(shared, 0xFF, bytes);
  current_->copies.push_back({shared, global, bytes, current_->group});
}

void Engine::CopyAsyncWait(int groups_left_pending) {
  Thread& thread = *current_;
  if (groups_left_pending < 0) simt::Fail("CopyAsyncWait: %d groups", groups_left_pending);
  size_t done = 0;
  for (; done < thread.copies.size(); ++done) {
    const PendingCopy& copy = thread.copies[done];
    if (copy.group + groups_left_pending >= thread.group) break;
    std::memcpy(copy.shared, copy.global, copy.bytes);
  }
  thread.copies.erase(thread.copies.begin(), thread.copies.begin() + done);
}

}  // namespace simt
