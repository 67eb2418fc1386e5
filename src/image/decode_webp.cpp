// SPDX-License-Identifier: Apache-2.0
#include <webp/decode.h>

#include "decoders.h"
#include "referent/core/error.h"

namespace referent::image {

Image decode_webp(std::span<const std::byte> bytes, ImageSize size, const std::string& name) {
  Image image(size.width, size.height);
  const std::uint8_t* decoded =
      WebPDecodeRGBInto(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size(),
                        image.pixels.data(), image.pixels.size(), static_cast<int>(3 * size.width));
  if (decoded == nullptr) throw DataError("{} is a torn or corrupt WebP file", name);
  return image;
}

}  // namespace referent::image
