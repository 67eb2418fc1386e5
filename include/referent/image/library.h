// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace referent::image {

/// Version of the OpenCV that this was compiled with, "4.6.0".
std::string opencv_version();

}  // namespace referent::image
