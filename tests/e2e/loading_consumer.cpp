// SPDX-License-Identifier: Apache-2.0
// Somebody's program that links OpenCV and loads libreferent.so at run time: argv[1] is the
// library; a second argument "deep" asks for RTLD_DEEPBIND, "doctor" runs that command.
#include <dlfcn.h>

#include <cstdio>
#include <opencv2/imgproc.hpp>
#include <string_view>

int main(int argc, char** argv) {
  cv::Mat picture(8, 8, CV_8UC1, cv::Scalar(1));
  cv::blur(picture, picture, {3, 3});
  if (argc < 2) return 2;
  const std::string_view word = argc > 2 ? argv[2] : "";
  const int flags = RTLD_NOW | RTLD_LOCAL | (word == "deep" ? RTLD_DEEPBIND : 0);
  void* library = ::dlopen(argv[1], flags);
  if (library == nullptr) {
    std::fprintf(stderr, "%s\n", ::dlerror());
    return 1;
  }
  if (word != "doctor") return 0;
  using Main = int (*)(int, char**);
  const auto entry = reinterpret_cast<Main>(::dlsym(library, "referent_main"));
  return entry(argc - 1, argv + 1);  // the library's path takes the place of the program's
}
