# Included by CMake in the project that mutate.py builds again and again: the standard library's headers, compiled once.
# Not for the kernels, whose headers come in an order of their own.
set_source_files_properties(src/kernels.cpp PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
cmake_language(DEFER CALL target_precompile_headers plait PRIVATE
  <algorithm> <atomic> <cinttypes> <cmath> <cstdint> <cstdio> <cstring> <limits> <string> <omp.h>)
