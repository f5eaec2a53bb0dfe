// Marks functions that the CPU and the CUDA backend both compile.
#ifndef PLAIT_SRC_HOST_DEVICE_H_
#define PLAIT_SRC_HOST_DEVICE_H_

#ifdef __CUDACC__
#define PLAIT_HD __host__ __device__
#else
#define PLAIT_HD
#endif

#endif  // PLAIT_SRC_HOST_DEVICE_H_
