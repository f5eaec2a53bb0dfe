// Launches: checks the configuration as CUDA does, and spreads the clusters of a grid over OS threads.
#include <algorithm>
#include <memory>
#include <numeric>
#include <thread>
#include <vector>

#include "machine.h"
#include "scheduler.h"

namespace simt {

namespace {

// Engines keep their stacks for the next launch, on whatever OS thread that is.
class EnginePool {
 public:
  std::unique_ptr<Engine> Take() {
    const std::lock_guard lock(mutex_);
    if (engines_.empty()) return std::make_unique<Engine>();
    std::unique_ptr<Engine> taken = std::move(engines_.back());
    engines_.pop_back();
    return taken;
  }
  void Return(std::unique_ptr<Engine> returned) {
    const std::lock_guard lock(mutex_);
    engines_.push_back(std::move(returned));
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<Engine>> engines_;
};

EnginePool& Engines() {
  static EnginePool* const pool = new EnginePool;
  return *pool;
}

// Returns the first failure, or an empty string.
std::string RunGrid(const Launch& launch, int os_threads) {
  const unsigned clusters = launch.blocks / launch.cluster;
  std::vector<unsigned> order(clusters);
  std::iota(order.begin(), order.end(), 0);
  Random random = {launch.seed};
  for (unsigned i = clusters; i > 1; --i) std::swap(order[i - 1], order[random.Below(i)]);

  std::atomic<unsigned> next = 0;
  std::atomic<bool> failed = false;
  std::mutex mutex;
  std::string failure;
  const auto work = [&] {
    std::unique_ptr<Engine> own = Engines().Take();
    while (!failed) {
      const unsigned i = next++;
      if (i >= clusters) break;
      const std::string wrong = own->RunCluster(launch, order[i]);
      if (wrong.empty()) continue;
      const std::lock_guard lock(mutex);
      if (!failed.exchange(true)) failure = wrong;
    }
    Engines().Return(std::move(own));
  };
  std::vector<std::thread> workers;
  for (unsigned i = 1; i < std::min<unsigned>(clusters, std::max(os_threads, 1)); ++i) workers.emplace_back(work);
  work();
  for (std::thread& worker : workers) worker.join();
  return failure;
}

bool Linear(const dim3& size) { return size.y == 1 && size.z == 1; }

struct Refused {
  cudaError_t error;
  std::string message;
};

// What CUDA would refuse, and what the emulator cannot run. Fills in `launch` and takes the launch's number.
Refused Check(const cudaLaunchConfig_t& config, const void* kernel, Machine& machine, Launch& launch) {
  const int device = CurrentDevice();
  launch.blocks = config.gridDim.x;
  launch.threads = config.blockDim.x;
  launch.shared_bytes = config.dynamicSmemBytes;
  launch.cluster = 1;
  for (unsigned i = 0; i < config.numAttrs; ++i) {
    const cudaLaunchAttribute& attribute = config.attrs[i];
    if (attribute.id != cudaLaunchAttributeClusterDimension) return {cudaErrorInvalidValue, "unknown launch attribute"};
    const auto& size = attribute.val.clusterDim;
    if (size.y != 1 || size.z != 1) return {cudaErrorInvalidClusterSize, "clusters of more than one dimension"};
    launch.cluster = size.x;
  }
  if (machine.capability < kOldestCapability) return {cudaErrorNoKernelImageForDevice, "a device older than 8.0"};
  if (const int of = StreamDevice(config.stream); of != device) {
    return {cudaErrorInvalidResourceHandle, of < 0 ? "no such stream" : "a stream of another device"};
  }
  if (!Linear(config.gridDim) || !Linear(config.blockDim)) {
    return {cudaErrorInvalidConfiguration, "the emulator runs grids and blocks of one dimension"};
  }
  if (launch.blocks == 0 || launch.blocks > 0x7FFFFFFFu) {
    return {cudaErrorInvalidConfiguration, "a grid of " + std::to_string(launch.blocks) + " blocks"};
  }
  if (launch.threads == 0 || launch.threads > 1024 || launch.threads % 32 != 0) {
    return {cudaErrorInvalidConfiguration, "a block of " + std::to_string(launch.threads) + " threads"};
  }
  const Allowance allowance = machine.allowances[{device, kernel}];
  if (launch.shared_bytes > allowance.shared_bytes) {
    return {cudaErrorInvalidValue, std::to_string(launch.shared_bytes) +
                                       " bytes of shared memory where the kernel is " + "allowed " +
                                       std::to_string(allowance.shared_bytes)};
  }
  if (launch.cluster != 1 && machine.capability < 90) {
    return {cudaErrorInvalidConfiguration, "clusters on a device older than 9.0"};
  }
  if (launch.cluster == 0 || launch.cluster > (allowance.large_clusters ? 16 : 8)) {
    return {cudaErrorInvalidClusterSize, "a cluster of " + std::to_string(launch.cluster) + " blocks"};
  }
  if (launch.blocks % launch.cluster != 0) {
    return {cudaErrorInvalidConfiguration, "a grid that is not a multiple of the cluster"};
  }
  return {cudaSuccess, {}};
}

}  // namespace

cudaError_t LaunchGrid(const cudaLaunchConfig_t* config, void (*kernel)(), Invoke invoke, const void* arguments) {
  if (const cudaError_t refusal = Refusal()) return refusal;
  Machine& machine = TheMachine();
  Launch launch = {};
  launch.invoke = invoke;
  launch.kernel = kernel;
  launch.arguments = arguments;
  Refused refused;
  uint64_t number = 0;
  uint64_t seed = 0;
  int os_threads = 1;
  bool sticky = false;
  {
    const std::lock_guard lock(machine.mutex);
    refused = Check(*config, reinterpret_cast<const void*>(kernel), machine, launch);
    number = machine.launches++;
    seed = machine.seed;
    launch.seed = Random{seed + 0x9E3779B97F4A7C15u * number}.Next();
    os_threads = machine.os_threads;
    if (machine.fail_launch > 0 && --machine.fail_launch == 0) {
      refused = {machine.fail_error, "a fault that was asked for"};
      sticky = machine.fail_sticky;
    }
  }
  if (refused.error != cudaSuccess) return Explain(refused.error, sticky, refused.message);
  const std::string failure = RunGrid(launch, os_threads);
  if (failure.empty()) return cudaSuccess;
  return Explain(cudaErrorLaunchFailure, true,
                 failure + " [launch " + std::to_string(number) + " of seed " + std::to_string(seed) + "]");
}

}  // namespace simt
