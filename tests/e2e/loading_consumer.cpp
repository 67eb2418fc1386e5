// SPDX-License-Identifier: Apache-2.0
// Somebody's program that links OpenCV and loads libreferent.so at run time: argv[1] is the
// library, a second argument asks for RTLD_DEEPBIND.
#include <dlfcn.h>

#include <cstdio>
#include <opencv2/imgproc.hpp>

int main(int argc, char** argv) {
  cv::Mat picture(8, 8, CV_8UC1, cv::Scalar(1));
  cv::blur(picture, picture, {3, 3});
  if (argc < 2) return 2;
  const int flags = RTLD_NOW | RTLD_LOCAL | (argc > 2 ? RTLD_DEEPBIND : 0);
  if (::dlopen(argv[1], flags) != nullptr) return 0;
  std::fprintf(stderr, "%s\n", ::dlerror());
  return 1;
}
