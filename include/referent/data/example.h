// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "referent/formats/segmentation.h"
#include "referent/image/image.h"
#include "referent/image/mask.h"
#include "referent/text/tokenizer.h"

namespace referent::data {

/// One annotated expression as a data set gives it.
struct Example {
  std::string id;
  std::filesystem::path image;
  std::string expression;
  image::Box box;  ///< target, pixels of the image file, x1 y1 x2 y2
  /// Outline of the target in the image file; shared by the expressions of one annotation. Null
  /// where there is none, or none was asked for.
  std::shared_ptr<const formats::Segmentation> mask = {};
  /// Annotations of the target's category in its picture, itself one; 0 where the data set does not
  /// tell (only REFER folders do).
  std::int64_t same_class = 0;
};

/// One example after a transform: a picture on its square, tokens, target.
struct Sample {
  std::string id;
  image::Image image;                    ///< the resized picture, without padding
  std::optional<image::Mask> mask = {};  ///< target, of the resized picture's size
  std::int64_t width = 0;                ///< of the resized picture
  std::int64_t height = 0;
  std::int64_t size = 0;  ///< side of the padded square
  std::int64_t top = 0;   ///< where the picture lies on the square
  std::int64_t left = 0;
  std::string expression;  ///< as tokenised: a flip may have exchanged left and right
  text::Encoded tokens;
  std::array<float, 4> target{};  ///< cx, cy, w, h over the square, 0..1
  /// From the original picture to the square: x_square = x * scale + left.
  double scale = 1.0;
  std::int64_t original_width = 0;
  std::int64_t original_height = 0;
};

}  // namespace referent::data
