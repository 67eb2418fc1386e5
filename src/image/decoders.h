// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "referent/image/decode.h"

/// One decoder per format. Each gets the size that the header states and that was found acceptable,
/// and throws DataError when the library reads another size or finds the file torn or corrupt.
namespace referent::image {

Image decode_jpeg(std::span<const std::byte> bytes, ImageSize size, const std::string& name);
Image decode_png(std::span<const std::byte> bytes, ImageSize size, const std::string& name);
Image decode_webp(std::span<const std::byte> bytes, ImageSize size, const std::string& name);

}  // namespace referent::image
