// SPDX-License-Identifier: Apache-2.0
#include "referent/image/library.h"

#include <opencv2/core/version.hpp>

namespace referent::image {

std::string opencv_version() {
  return CV_VERSION;
}

}  // namespace referent::image
