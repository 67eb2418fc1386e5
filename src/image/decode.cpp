// SPDX-License-Identifier: Apache-2.0
#include "referent/image/decode.h"

#include "byte_view.h"
#include "decoders.h"
#include "header.h"
#include "referent/core/error.h"
#include "referent/core/file.h"

namespace referent::image {
namespace {

/// EXIF orientations 5 to 8 exchange width and height.
bool is_transposed(int orientation) {
  return orientation >= 5;
}

ImageSize upright_size(const Header& header) {
  if (!is_transposed(header.orientation)) return header.size;
  return {header.size.height, header.size.width};
}

/// Walks the upright picture row by row and the stored one by the steps that EXIF's table gives.
Image turn_upright(const Image& stored, const Header& header) {
  const int orientation = header.orientation;
  const ImageSize size = upright_size(header);
  const bool from_right = orientation == 2 || orientation == 3 || orientation >= 7;
  const bool from_bottom =
      orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  const std::int64_t across = from_right ? -1 : 1;
  const std::int64_t down = from_bottom ? -stored.width : stored.width;
  const std::int64_t first =
      (from_right ? stored.width - 1 : 0) + (from_bottom ? (stored.height - 1) * stored.width : 0);
  const std::int64_t x_step = is_transposed(orientation) ? down : across;
  const std::int64_t y_step = is_transposed(orientation) ? across : down;
  Image upright(size.width, size.height);
  for (std::int64_t y = 0; y < size.height; ++y) {
    const std::uint8_t* from = stored.pixels.data() + 3 * (first + y * y_step);
    std::uint8_t* to = upright.row(y);
    for (std::int64_t x = 0; x < size.width; ++x, from += 3 * x_step, to += 3) {
      to[0] = from[0];
      to[1] = from[1];
      to[2] = from[2];
    }
  }
  return upright;
}

Image decode_pixels(std::span<const std::byte> bytes, const Header& header,
                    const std::string& name) {
  switch (header.format) {
    case Format::kJpeg:
      return decode_jpeg(bytes, header.size, name);
    case Format::kPng:
      return decode_png(bytes, header.size, name);
    case Format::kWebp:
      return decode_webp(bytes, header.size, name);
  }
  REFERENT_CHECK(false, "unknown format");
  return {};
}

}  // namespace

ImageSize read_image_size(const std::filesystem::path& path, Orientation orientation) {
  const MappedFile file(path);
  const Header header = read_header(file.bytes(), path.string());
  return orientation == Orientation::kApply ? upright_size(header) : header.size;
}

ImageFacts read_image_facts(std::span<const std::byte> bytes, const std::string& name) {
  const Header header = read_header(bytes, name);
  return {header.size, header.orientation};
}

bool looks_like_image(std::span<const std::byte> bytes) {
  const ByteView file(bytes);
  return file.starts_with("\xFF\xD8") || file.starts_with("\x89PNG") ||
         (file.starts_with("RIFF") && file.starts_with("WEBP", 8));
}

Image decode_file(const std::filesystem::path& path, Orientation orientation,
                  const DecodeLimits& limits) {
  return decode_bytes(read_file(path, limits.max_bytes), path.string(), orientation, limits);
}

Image decode_bytes(std::span<const std::byte> bytes, const std::string& name,
                   Orientation orientation, const DecodeLimits& limits) {
  if (bytes.size() > limits.max_bytes) {
    throw DataError("{} has {} bytes; images of at most {} bytes are read", name, bytes.size(),
                    limits.max_bytes);
  }
  const Header header = read_header(bytes, name);
  // The product of two hostile sides may overflow, the quotient cannot.
  if (header.size.width > limits.max_pixels / header.size.height) {
    throw DataError("{} is {} x {} pixels large; images of at most {} pixels are read", name,
                    header.size.width, header.size.height, limits.max_pixels);
  }
  Image image = decode_pixels(bytes, header, name);
  if (orientation == Orientation::kApply && header.orientation != 1) {
    return turn_upright(image, header);
  }
  return image;
}

}  // namespace referent::image
