#include "machine.h"

#include <cstdlib>
#include <cstring>

namespace simt {

namespace {

struct ErrorName {
  cudaError_t error;
  const char* name;
  const char* text;
};

#define PLAIT_SIMT_ERROR(name, text) \
  { name, #name, text }
constexpr ErrorName kErrors[] = {
    PLAIT_SIMT_ERROR(cudaSuccess, "no error"),
    PLAIT_SIMT_ERROR(cudaErrorInvalidValue, "invalid argument"),
    PLAIT_SIMT_ERROR(cudaErrorMemoryAllocation, "out of memory"),
    PLAIT_SIMT_ERROR(cudaErrorInitializationError, "initialization error"),
    PLAIT_SIMT_ERROR(cudaErrorInvalidConfiguration, "invalid configuration argument"),
    PLAIT_SIMT_ERROR(cudaErrorInsufficientDriver, "CUDA driver version is insufficient for CUDA runtime version"),
    PLAIT_SIMT_ERROR(cudaErrorInvalidDeviceFunction, "invalid device function"),
    PLAIT_SIMT_ERROR(cudaErrorNoDevice, "no CUDA-capable device is detected"),
    PLAIT_SIMT_ERROR(cudaErrorInvalidDevice, "invalid device ordinal"),
    PLAIT_SIMT_ERROR(cudaErrorNoKernelImageForDevice, "no kernel image is available for execution on the device"),
    PLAIT_SIMT_ERROR(cudaErrorInvalidResourceHandle, "invalid resource handle"),
    PLAIT_SIMT_ERROR(cudaErrorIllegalAddress, "an illegal memory access was encountered"),
    PLAIT_SIMT_ERROR(cudaErrorLaunchOutOfResources, "too many resources requested for launch"),
    PLAIT_SIMT_ERROR(cudaErrorLaunchFailure, "unspecified launch failure"),
    PLAIT_SIMT_ERROR(cudaErrorInvalidClusterSize, "invalid cluster size"),
};
#undef PLAIT_SIMT_ERROR

const ErrorName* Find(cudaError_t error) {
  for (const ErrorName& known : kErrors) {
    if (known.error == error) return &known;
  }
  return nullptr;
}

long long Environment(const char* name, long long otherwise) {
  const char* value = std::getenv(name);
  return value && *value ? std::strtoll(value, nullptr, 0) : otherwise;
}

thread_local int current_device = 0;
thread_local cudaError_t last_error = cudaSuccess;

}  // namespace

Machine::Machine() {
  devices = static_cast<int>(Environment("PLAIT_SIMT_DEVICES", 1));
  if (const char* value = std::getenv("PLAIT_SIMT_CAPABILITY"); value && *value) {
    char* rest = nullptr;
    capability = 10 * static_cast<int>(std::strtol(value, &rest, 10));
    if (*rest == '.') capability += static_cast<int>(std::strtol(rest + 1, nullptr, 10));
  }
  shared_bytes = static_cast<size_t>(Environment("PLAIT_SIMT_SHARED_MEMORY", 0));
  multiprocessors = static_cast<int>(Environment("PLAIT_SIMT_MULTIPROCESSORS", 4));
  any_pointer = Environment("PLAIT_SIMT_ANY_POINTER", 0) != 0;
  os_threads = static_cast<int>(Environment("PLAIT_SIMT_THREADS", 2));
  seed = static_cast<uint64_t>(Environment("PLAIT_SIMT_SEED", 1));
  fail_malloc = Environment("PLAIT_SIMT_FAIL_MALLOC", 0) != 0;
  // "3:illegalAddress:sticky"
  if (const char* value = std::getenv("PLAIT_SIMT_FAIL_LAUNCH"); value && *value) {
    char* rest = nullptr;
    fail_launch = static_cast<int>(std::strtol(value, &rest, 10));
    fail_error = cudaErrorLaunchFailure;
    if (*rest == ':') {
      std::string name = ++rest;
      fail_sticky = name.size() > 7 && name.compare(name.size() - 7, 7, ":sticky") == 0;
      name = "cudaError" + name.substr(0, name.find(':'));
      for (const ErrorName& known : kErrors) {
        if (strcasecmp(known.name, name.c_str()) == 0) fail_error = known.error;
      }
    }
  }
}

size_t Machine::SharedLimit() const {
  if (shared_bytes) return shared_bytes;
  switch (capability) {
    case 80:
    case 87:
      return 163 << 10;
    case 86:
    case 89:
      return 99 << 10;
    default:
      return capability >= 120 ? 99 << 10 : capability >= 90 ? 227 << 10 : 96 << 10;
  }
}

// A block's limit leaves 1 KiB to the system.
size_t Machine::SharedPerMultiprocessor() const { return SharedLimit() + (1 << 10); }

Machine& TheMachine() {
  static Machine* const machine = new Machine;  // outlives whatever frees memory at exit
  return *machine;
}

int CurrentDevice() { return current_device; }

cudaError_t Note(cudaError_t error) {
  if (error != cudaSuccess) last_error = error;
  return error;
}

cudaError_t Refusal() {
  Machine& machine = TheMachine();
  const std::lock_guard lock(machine.mutex);
  if (machine.devices < 0) return Note(cudaErrorInsufficientDriver);
  if (machine.devices == 0) return Note(cudaErrorNoDevice);
  return Note(machine.sticky);
}

cudaError_t Explain(cudaError_t error, bool sticky, const std::string& message) {
  Machine& machine = TheMachine();
  const std::lock_guard lock(machine.mutex);
  // What went wrong first is what the sticky error is about.
  if (machine.sticky == cudaSuccess) {
    if (sticky) machine.sticky = error;
    machine.message_error = error;
    machine.message = message;
  }
  return Note(error);
}

bool AnyPointer() { return TheMachine().any_pointer; }

void SetSeed(uint64_t seed) {
  Machine& machine = TheMachine();
  const std::lock_guard lock(machine.mutex);
  machine.seed = seed;
  machine.launches = 0;
}

void SetOsThreads(int threads) {
  const std::lock_guard lock(TheMachine().mutex);
  TheMachine().os_threads = threads;
}

void SetDevices(int devices) {
  const std::lock_guard lock(TheMachine().mutex);
  TheMachine().devices = devices;
}

void SetCapability(int major, int minor) {
  const std::lock_guard lock(TheMachine().mutex);
  TheMachine().capability = 10 * major + minor;
}

void SetSharedMemory(size_t bytes) {
  const std::lock_guard lock(TheMachine().mutex);
  TheMachine().shared_bytes = bytes;
}

void SetMultiprocessors(int count) {
  const std::lock_guard lock(TheMachine().mutex);
  TheMachine().multiprocessors = count;
}

void SetAnyPointer(bool any) { TheMachine().any_pointer = any; }

void FailLaunch(int nth, cudaError_t error, bool sticky) {
  Machine& machine = TheMachine();
  const std::lock_guard lock(machine.mutex);
  machine.fail_launch = nth;
  machine.fail_error = error;
  machine.fail_sticky = sticky;
}

void FailNextMalloc() {
  const std::lock_guard lock(TheMachine().mutex);
  TheMachine().fail_malloc = true;
}

std::string LastMessage() {
  const std::lock_guard lock(TheMachine().mutex);
  return TheMachine().message;
}

void Reset() {
  Machine& machine = TheMachine();
  const std::lock_guard lock(machine.mutex);
  machine.sticky = machine.message_error = last_error = cudaSuccess;
  machine.message.clear();
  machine.fail_launch = 0;
  machine.fail_malloc = false;
  machine.allowances.clear();
}

}  // namespace simt

const char* cudaGetErrorName(cudaError_t error) {
  const simt::ErrorName* known = simt::Find(error);
  return known ? known->name : "unrecognized error code";
}

const char* cudaGetErrorString(cudaError_t error) {
  thread_local std::string text;
  const simt::ErrorName* known = simt::Find(error);
  text = known ? known->text : "unrecognized error code";
  simt::Machine& machine = simt::TheMachine();
  const std::lock_guard lock(machine.mutex);
  if (error != cudaSuccess && machine.message_error == error) text += ": " + machine.message;
  return text.c_str();
}

cudaError_t cudaPeekAtLastError() {
  const cudaError_t refusal = simt::Refusal();
  return refusal != cudaSuccess ? refusal : simt::last_error;
}

cudaError_t cudaGetLastError() {
  const cudaError_t error = cudaPeekAtLastError();
  simt::last_error = cudaSuccess;
  return error;
}

cudaError_t cudaGetDevice(int* device) {
  if (const cudaError_t refusal = simt::Refusal()) return refusal;
  *device = simt::current_device;
  return cudaSuccess;
}

cudaError_t cudaSetDevice(int device) {
  if (const cudaError_t refusal = simt::Refusal()) return refusal;
  int devices = 0;
  {
    const std::lock_guard lock(simt::TheMachine().mutex);
    devices = simt::TheMachine().devices;
  }
  if (device < 0 || device >= devices) return simt::Note(cudaErrorInvalidDevice);
  simt::current_device = device;
  return cudaSuccess;
}
