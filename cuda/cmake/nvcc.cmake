# Compiling the plugin with nvcc: for which GPUs, and with what is kept of the compiler's report.
enable_language(CUDA)
if(CMAKE_CUDA_COMPILER_VERSION VERSION_LESS 12.4)
  message(FATAL_ERROR "nvcc 12.4 or later is needed, this is ${CMAKE_CUDA_COMPILER_VERSION}")
endif()
# The latest that CMake 3.25 knows of in an nvcc that is newer than itself.
set(CMAKE_CUDA_STANDARD 17)
set(CMAKE_CUDA_STANDARD_REQUIRED ON)
set(CMAKE_CUDA_EXTENSIONS OFF)
# CUDA's runtime is linked in, so that the plugin opens, and explains itself, where there is no driver.
set(CMAKE_CUDA_RUNTIME_LIBRARY Static)

# Machine code for Ampere, Hopper and Blackwell (data centre and consumer), and PTX for what comes after Hopper.
if(NOT DEFINED PLAIT_CUDA_ARCHITECTURES)
  set(PLAIT_CUDA_ARCHITECTURES 80-real 90)
  if(CMAKE_CUDA_COMPILER_VERSION VERSION_GREATER_EQUAL 12.8)
    list(APPEND PLAIT_CUDA_ARCHITECTURES 100-real 120-real)
  endif()
endif()

# Each compilation leaves ptxas' account of registers, shared memory and spills beside its object.
set(CMAKE_CUDA_COMPILER_LAUNCHER ${CMAKE_CURRENT_LIST_DIR}/keep_ptxas_report.sh)

function(plait_compile_for_gpus target)
  set_target_properties(${target} PROPERTIES CUDA_ARCHITECTURES "${PLAIT_CUDA_ARCHITECTURES}")
  # -fmad=false: the CPU backend fuses no multiply-adds either; where one is wanted the source says fmaf.
  target_compile_options(${target} PRIVATE
    -fmad=false -Xptxas=-v --threads=2 "-Xcompiler=-Wall,-Wextra,-ffile-prefix-map=${CMAKE_CURRENT_SOURCE_DIR}=.")
  target_link_options(${target} PRIVATE -Wl,--no-undefined -Wl,--exclude-libs,ALL -static-libgcc -static-libstdc++)
  add_custom_command(TARGET ${target} POST_BUILD VERBATIM
    COMMAND ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/check_ptxas_reports.sh ${CMAKE_CURRENT_BINARY_DIR}
    COMMENT "No kernel may spill registers")
endfunction()
