#include "cuda_plugin.h"

#include <dlfcn.h>

#include <atomic>
#include <cstdlib>
#include <mutex>
#include <string>

#include "status.h"

namespace plait {
namespace {

constexpr char kFileName[] = "libplait_cuda.so";

std::atomic<const CudaPlugin*> loaded{nullptr};
std::mutex loading;
std::string search_failure;  // guarded by `loading`; why the search found nothing, "" before it

plait_status FailWith(plait_status status, const char* message) { return Fail(status, "%s", message); }

// The message of the last dl function that failed.
const char* LoaderError() {
  const char* message = dlerror();
  return message ? message : "unknown error of the dynamic loader";
}

// Opens the plugin at `path`. Under `loading`.
plait_status Open(const char* path) {
  static const CudaHost kHost = {FailWith};
  void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!library) return Fail(PLAIT_UNAVAILABLE, "no CUDA plugin: %s", LoaderError());
  const auto entry = reinterpret_cast<CudaPluginEntry>(dlsym(library, "plait_cuda_plugin"));
  if (!entry) {
    Fail(PLAIT_UNAVAILABLE, "no CUDA plugin: %s is not one", path);
    dlclose(library);
    return PLAIT_UNAVAILABLE;
  }
  const CudaPlugin* plugin = entry(CudaPluginLayout(), &kHost);
  if (!plugin) {
    Fail(PLAIT_UNAVAILABLE, "no CUDA plugin: %s is of another release than this library", path);
    dlclose(library);
    return PLAIT_UNAVAILABLE;
  }
  loaded.store(plugin, std::memory_order_release);
  return PLAIT_OK;
}

// The plugin's name in the folder of this very library.
std::string BesideThisLibrary() {
  Dl_info info;
  if (!dladdr(reinterpret_cast<const void*>(&BesideThisLibrary), &info) || !info.dli_fname) return kFileName;
  const std::string file = info.dli_fname;
  return file.substr(0, file.rfind('/') + 1) + kFileName;
}

plait_status Search() {
  if (const char* path = std::getenv("PLAIT_CUDA_PLUGIN")) return Open(path);
  return Open(BesideThisLibrary().c_str()) == PLAIT_OK ? PLAIT_OK : Open(kFileName);
}

}  // namespace

const CudaPlugin* FindCudaPlugin() {
  if (const CudaPlugin* plugin = loaded.load(std::memory_order_acquire)) return plugin;
  const std::lock_guard<std::mutex> lock(loading);
  if (loaded.load(std::memory_order_acquire)) return loaded.load(std::memory_order_acquire);
  if (search_failure.empty() && Search() != PLAIT_OK) search_failure = plait_last_error();
  if (!search_failure.empty()) Fail(PLAIT_UNAVAILABLE, "%s", search_failure.c_str());
  return loaded.load(std::memory_order_acquire);
}

}  // namespace plait

extern "C" int32_t plait_cuda_load(const char* path) {
  if (!path) PLAIT_REFUSE("path: expected the file of the CUDA plugin, got NULL");
  const std::lock_guard<std::mutex> lock(plait::loading);
  return plait::loaded.load(std::memory_order_acquire) ? PLAIT_OK : plait::Open(path);
}
