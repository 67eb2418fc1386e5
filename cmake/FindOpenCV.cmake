# SPDX-License-Identifier: Apache-2.0
# OpenCV core and imgproc from Debian's split packages, which ship no CMake files.
# Defines opencv::imgproc.
include(FindPackageHandleStandardArgs)
find_path(OpenCV_INCLUDE_DIR opencv2/imgproc.hpp PATH_SUFFIXES opencv4)
find_library(OpenCV_CORE_LIBRARY opencv_core)
find_library(OpenCV_IMGPROC_LIBRARY opencv_imgproc)
find_package_handle_standard_args(OpenCV
  REQUIRED_VARS OpenCV_INCLUDE_DIR OpenCV_CORE_LIBRARY OpenCV_IMGPROC_LIBRARY
  REASON_FAILURE_MESSAGE "install libopencv-core-dev and libopencv-imgproc-dev (scripts/setup.sh does)")
if(OpenCV_FOUND AND NOT TARGET opencv::imgproc)
  add_library(opencv::imgproc INTERFACE IMPORTED)
  target_include_directories(opencv::imgproc SYSTEM INTERFACE ${OpenCV_INCLUDE_DIR})
  target_link_libraries(opencv::imgproc INTERFACE ${OpenCV_IMGPROC_LIBRARY} ${OpenCV_CORE_LIBRARY})
endif()
