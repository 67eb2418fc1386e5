# SPDX-License-Identifier: Apache-2.0
# Finds nvcc. Kernels are torch-free and are built wherever nvcc is present (REFERENT_BUILD_KERNELS);
# LibTorch's CUDA half is a separate switch (REFERENT_TORCH_CUDA).
include(CheckLanguage)
check_language(CUDA)
if(CMAKE_CUDA_COMPILER)
  set(REFERENT_BUILD_KERNELS ON)
  set(REFERENT_CUDA_ARCHITECTURES "80;90a" CACHE STRING "Architectures of our kernels")
  set(CMAKE_CUDA_ARCHITECTURES ${REFERENT_CUDA_ARCHITECTURES})
  set(CMAKE_CUDA_STANDARD 17)
  enable_language(CUDA)
  message(STATUS "Referent: nvcc ${CMAKE_CUDA_COMPILER_VERSION} found, kernels for ${CMAKE_CUDA_ARCHITECTURES}")
else()
  set(REFERENT_BUILD_KERNELS OFF)
  message(STATUS "Referent: no nvcc, building for the CPU only")
endif()
