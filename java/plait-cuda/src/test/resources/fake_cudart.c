/*
 * A CUDA runtime of two devices for the tests of org.plait.cuda, on machines that have none: device memory is host
 * memory, work is done when it is enqueued. It keeps books, and fails where a real one would: memory, streams and events
 * belong to the device that was current, are freed once, and all of them in the end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { kInvalidValue = 1, kOutOfMemory = 2, kInvalidHandle = 400, kMost = 4096, kLimit = 1 << 20 };

typedef struct Handle {
  char kind;  // m, h, s or e
  int device;
  void* at;
  int recorded;
} Handle;

static Handle handles[kMost];
static int current = 0;
static int last_error = 0;

static int Fail(int status) { return last_error = status; }

static Handle* Find(char kind, void* at) {
  for (int i = 0; i < kMost; ++i) {
    if (handles[i].kind == kind && handles[i].at == at) return &handles[i];
  }
  return NULL;
}

static int Make(char kind, void** out, size_t bytes) {
  if (bytes > kLimit) return Fail(kOutOfMemory);
  for (int i = 0; i < kMost; ++i) {
    if (!handles[i].kind) {
      *out = aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
      memset(*out, 0x5a, bytes);
      handles[i] = (Handle){kind, current, *out, 0};
      return 0;
    }
  }
  return Fail(kOutOfMemory);
}

static int Release(char kind, void* at) {
  Handle* handle = Find(kind, at);
  if (!handle || (kind != 'h' && handle->device != current)) return Fail(kInvalidHandle);
  free(at);
  handle->kind = 0;
  return 0;
}

static int CheckStream(void* stream) {
  if (!stream) return 0;
  Handle* handle = Find('s', stream);
  return handle && handle->device == current ? 0 : Fail(kInvalidHandle);
}

// How many handles are left.
int fakeLeft(void) {
  int left = 0;
  for (int i = 0; i < kMost; ++i) left += handles[i].kind != 0;
  return left;
}

__attribute__((destructor)) static void Report(void) {
  printf("left: %d, current device: %d\n", fakeLeft(), current);
  fflush(stdout);
}

int cudaGetDeviceCount(int* count) { return *count = 2, 0; }
int cudaDriverGetVersion(int* version) { return *version = 13010, 0; }
int cudaGetDevice(int* device) { return *device = current, 0; }
int cudaSetDevice(int device) { return current = device, 0; }
int cudaGetLastError(void) {
  int error = last_error;
  last_error = 0;
  return error;
}
const char* cudaGetErrorName(int status) { return status == kInvalidHandle ? "cudaErrorInvalidResourceHandle" : "cudaErrorFake"; }
const char* cudaGetErrorString(int status) { return status == kInvalidHandle ? "invalid resource handle" : "fake"; }

int cudaMalloc(void** out, size_t bytes) { return Make('m', out, bytes); }
int cudaFree(void* at) { return Release('m', at); }
int cudaHostAlloc(void** out, size_t bytes, unsigned flags) { return flags == 3 ? Make('h', out, bytes) : Fail(kInvalidValue); }
int cudaFreeHost(void* at) { return Release('h', at); }

int cudaMemcpyAsync(void* to, const void* from, size_t bytes, int kind, void* stream) {
  if (CheckStream(stream)) return last_error;
  if (kind != 4) return Fail(kInvalidValue);
  memcpy(to, from, bytes);
  return 0;
}
int cudaMemsetAsync(void* at, int value, size_t bytes, void* stream) {
  if (CheckStream(stream)) return last_error;
  memset(at, value, bytes);
  return 0;
}

int cudaStreamCreateWithFlags(void** out, unsigned flags) { return flags == 1 ? Make('s', out, 8) : Fail(kInvalidValue); }
int cudaStreamSynchronize(void* stream) { return CheckStream(stream); }
int cudaStreamDestroy(void* stream) { return Release('s', stream); }

int cudaEventCreate(void** out) { return Make('e', out, 8); }
int cudaEventRecord(void* event, void* stream) {
  static int clock = 0;
  Handle* handle = Find('e', event);
  if (!handle || handle->device != current || CheckStream(stream)) return Fail(kInvalidHandle);
  handle->recorded = ++clock;
  return 0;
}
int cudaEventSynchronize(void* event) { return Find('e', event) ? 0 : Fail(kInvalidHandle); }
int cudaEventElapsedTime(float* out, void* start, void* end) {
  Handle* a = Find('e', start);
  Handle* b = Find('e', end);
  if (!a || !b || !a->recorded || !b->recorded) return Fail(kInvalidHandle);
  *out = 0.5f * (float)(b->recorded - a->recorded);
  return 0;
}
int cudaEventDestroy(void* event) { return Find('e', event) ? Release('e', event) : Fail(kInvalidHandle); }
