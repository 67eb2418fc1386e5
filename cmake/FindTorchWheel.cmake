# SPDX-License-Identifier: Apache-2.0
# LibTorch out of the PyPI wheel that scripts/setup.sh unpacks into .deps/site.
#
# The wheel's own TorchConfig.cmake insists on a CUDA toolkit; the CPU half needs none, so the
# libraries are named here. Defines torch_wheel::torch and REFERENT_TORCH_VERSION.
include(FindPackageHandleStandardArgs)
set(TorchWheel_ROOT "${REFERENT_DEPS_DIR}/site/torch" CACHE PATH "The unpacked torch wheel")
find_path(TorchWheel_INCLUDE_DIR torch/csrc/api/include/torch/torch.h
          PATHS ${TorchWheel_ROOT}/include NO_DEFAULT_PATH)
foreach(library torch_cpu c10)
  find_library(TorchWheel_${library} ${library} PATHS ${TorchWheel_ROOT}/lib NO_DEFAULT_PATH)
endforeach()
if(EXISTS ${TorchWheel_ROOT}/version.py)
  file(STRINGS ${TorchWheel_ROOT}/version.py line REGEX "^__version__")
  string(REGEX REPLACE ".*'([^']+)'.*" "\\1" REFERENT_TORCH_VERSION "${line}")
endif()
find_package_handle_standard_args(TorchWheel
  REQUIRED_VARS TorchWheel_INCLUDE_DIR TorchWheel_torch_cpu TorchWheel_c10
  VERSION_VAR REFERENT_TORCH_VERSION
  REASON_FAILURE_MESSAGE "run scripts/setup.sh: it unpacks the torch wheel into .deps/site")
if(TorchWheel_FOUND AND NOT TARGET torch_wheel::torch)
  # at::parallel_for is a plain loop in what is compiled without it.
  find_package(OpenMP REQUIRED COMPONENTS CXX)
  add_library(torch_wheel::torch INTERFACE IMPORTED)
  target_include_directories(torch_wheel::torch SYSTEM INTERFACE
    ${TorchWheel_INCLUDE_DIR} ${TorchWheel_INCLUDE_DIR}/torch/csrc/api/include)
  # A program that calls no function of LibTorch itself would lose it to --as-needed, and then with
  # OpenCV linked first bind LibTorch's sgemm_ to the reference BLAS that OpenCV brings along.
  target_link_libraries(torch_wheel::torch INTERFACE
    -Wl,--push-state,--no-as-needed,${TorchWheel_torch_cpu},--pop-state ${TorchWheel_c10}
    OpenMP::OpenMP_CXX Threads::Threads)
  # libtorch_cpu itself needs the wheel's CUDA runtime and CUPTI, which it finds by its own RUNPATH.
  target_link_options(torch_wheel::torch INTERFACE
    "LINKER:-rpath-link,${TorchWheel_ROOT}/../nvidia/cu13/lib")
  if(REFERENT_TORCH_CUDA)
    find_library(TorchWheel_torch_cuda torch_cuda PATHS ${TorchWheel_ROOT}/lib NO_DEFAULT_PATH REQUIRED)
    find_library(TorchWheel_c10_cuda c10_cuda PATHS ${TorchWheel_ROOT}/lib NO_DEFAULT_PATH REQUIRED)
    # torch_cuda registers itself when loaded; nothing refers to it, so keep it by name.
    target_link_libraries(torch_wheel::torch INTERFACE
      -Wl,--no-as-needed ${TorchWheel_torch_cuda} ${TorchWheel_c10_cuda} -Wl,--as-needed)
    target_compile_definitions(torch_wheel::torch INTERFACE REFERENT_TORCH_CUDA)
  endif()
endif()
