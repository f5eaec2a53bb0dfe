// What device code calls: found on the engine of the OS thread that it runs on.
#include "simt.h"

#include <bit>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <string>

#include "scheduler.h"

constinit thread_local uint3 threadIdx = {0, 0, 0};
constinit thread_local uint3 blockIdx = {0, 0, 0};
constinit thread_local dim3 blockDim;
constinit thread_local dim3 gridDim;

namespace simt {

namespace {

Engine& Running() {
  if (engine == nullptr) Fail("device code runs outside a kernel");
  return *engine;
}

}  // namespace

void Fail(const char* format, ...) {
  char text[1024];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof(text), format, arguments);
  va_end(arguments);
  if (engine != nullptr) engine->Fail(text);
  std::fprintf(stderr, "simt: %s\n", text);
  std::abort();
}

char* SharedMemory() { return Running().current()->block->shared; }
unsigned ClusterRank() { return Running().current()->block->rank; }
unsigned ClusterSize() { return Running().launch().cluster; }
void ClusterArrive(Site site) { Running().ClusterArrive(site); }
void ClusterWait(Site site) { Running().ClusterWait(site); }
void* MapSharedAddress(const void* pointer, unsigned rank) { return Running().MapShared(pointer, rank); }
void CopyAsync(void* shared, const void* global, int bytes) { Running().CopyAsync(shared, global, bytes); }
void CopyAsyncCommit() { ++Running().current()->group; }
void CopyAsyncWait(int groups_left_pending) { Running().CopyAsyncWait(groups_left_pending); }

const uint64_t* Exchange(unsigned mask, int width, uint64_t bits, const char* operation, Site site) {
  return Running().Exchange(mask, width, bits, operation, site);
}

void Interleave() {
  if (engine != nullptr) engine->Interleave();
}

float Exp2Approx(float x) {
  constexpr float kSmallest = std::numeric_limits<float>::min();
  if (x != x) return std::numeric_limits<float>::quiet_NaN();
  if (std::fabs(x) < kSmallest) return 1;
  if (x >= 128) return std::numeric_limits<float>::infinity();
  if (x < -126) return 0;
  uint64_t hash = std::bit_cast<uint32_t>(x) * 0x9E3779B97F4A7C15u;
  hash = (hash ^ hash >> 32) * 0xD6E8FEB86659FD93u;
  const double exact = std::exp2(static_cast<double>(x));
  const double bound = std::ldexp(2.0, std::ilogb(exact) - 23);  // two units in the last place
  auto result = static_cast<float>(exact + bound * (static_cast<double>(hash >> 11) * 0x1p-52 - 1));
  // Rounding to float must not take it beyond what the device promises.
  if (std::fabs(result - exact) > bound) result = std::nextafter(result, static_cast<float>(exact));
  return result < kSmallest ? 0 : result;
}

}  // namespace simt

void __syncthreads(simt::Site site) { simt::Running().SyncBlock(site); }
