// SPDX-License-Identifier: Apache-2.0
// Somebody's program that uses OpenCV and Referent, and links OpenCV first.
#include <cstdio>
#include <opencv2/imgproc.hpp>

#include "referent/ops/gemm_binding.h"

int main() {
  cv::Mat picture(8, 8, CV_8UC1, cv::Scalar(1));
  cv::blur(picture, picture, {3, 3});
  const auto binding = referent::ops::gemm_binding();
  std::printf("%s, %s\n", binding.own ? "own" : "foreign", binding.library.c_str());
  return picture.at<unsigned char>(4, 4) == 1 ? 0 : 1;
}
