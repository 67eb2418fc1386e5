// SPDX-License-Identifier: Apache-2.0
// ground_pixels CHECKPOINT PIXELS WIDTH HEIGHT EXPRESSION: where the expression is in a file of raw
// 8-bit RGB, as x1 y1 x2 y2.
#include <cstdio>
#include <cstdlib>

#include "referent/core/error.h"
#include "referent/core/file.h"
#include "referent/inference/predictor.h"

int main(int argc, char** argv) {
  if (argc != 6) return 2;
  try {
    const referent::inference::Predictor predictor{referent::Path(argv[1])};
    const auto pixels = referent::read_file(argv[2]);
    const std::int64_t width = std::atoi(argv[3]);
    const referent::inference::PixelView picture{
        reinterpret_cast<const std::uint8_t*>(pixels.data()), width, std::atoi(argv[4]), 3 * width};
    const auto found = predictor.ground(picture, argv[5]);
    std::printf("%.4f %.4f %.4f %.4f\n", found.box.x1, found.box.y1, found.box.x2, found.box.y2);
    return 0;
  } catch (const referent::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return static_cast<int>(error.status());
  }
}
