# SPDX-License-Identifier: Apache-2.0
# Finds nvcc. Kernels are torch-free and are built wherever nvcc is present (REFERENT_BUILD_KERNELS);
# LibTorch's CUDA half is a separate switch (REFERENT_TORCH_CUDA).
option(REFERENT_CUDA "Compile the CUDA kernels where nvcc is found" ON)
option(REFERENT_KERNEL_REPORT "Print registers, shared memory and spills of every kernel compiled" OFF)
if(REFERENT_CUDA)
  include(CheckLanguage)
  check_language(CUDA)
endif()
if(REFERENT_CUDA AND CMAKE_CUDA_COMPILER)
  set(REFERENT_BUILD_KERNELS ON)
  set(REFERENT_CUDA_ARCHITECTURES "80;90a" CACHE STRING "Architectures of our kernels")
  set(CMAKE_CUDA_ARCHITECTURES ${REFERENT_CUDA_ARCHITECTURES})
  set(CMAKE_CUDA_STANDARD 17)  # CMake 3.25 does not know 20 for this nvcc
  set(CMAKE_CUDA_STANDARD_REQUIRED ON)
  set(CMAKE_CUDA_EXTENSIONS OFF)
  enable_language(CUDA)
  find_package(CUDAToolkit REQUIRED)
  message(STATUS "Referent: nvcc ${CMAKE_CUDA_COMPILER_VERSION} found, kernels for ${CMAKE_CUDA_ARCHITECTURES}")
else()
  set(REFERENT_BUILD_KERNELS OFF)
  message(STATUS "Referent: no nvcc (or REFERENT_CUDA is off), building for the CPU only")
endif()
