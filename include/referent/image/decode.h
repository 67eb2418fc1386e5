// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "referent/image/image.h"

namespace referent::image {

/// What becomes of the EXIF orientation, by which a camera says how it was held.
enum class Orientation {
  kIgnore,  ///< pixels as they are stored: the frame of the published annotations
  kApply,   ///< turned upright, as every viewer shows a photo
};

struct ImageSize {
  std::int64_t width = 0;
  std::int64_t height = 0;
  bool operator==(const ImageSize&) const = default;
};

/// What is refused before anything is allocated for it.
struct DecodeLimits {
  /// 100 megapixels: more than any camera people use, and 300 MB once decoded.
  std::int64_t max_pixels = 100'000'000;
  /// 256 MiB of file.
  std::uint64_t max_bytes = 256ULL << 20;
};

/// The size that decode_file would return, from the header alone. Throws DataError as decode_file
/// does, but for faults behind the header; no limit of pixels applies.
ImageSize read_image_size(const std::filesystem::path& path,
                          Orientation orientation = Orientation::kIgnore);

/// What the header of a file says.
struct ImageFacts {
  ImageSize size;       ///< as the pixels are stored
  int orientation = 1;  ///< EXIF's, 1 to 8; 1: upright
};

/// The facts of a file in memory, called `name` in messages. Throws DataError as read_image_size().
ImageFacts read_image_facts(std::span<const std::byte> bytes, const std::string& name);

/// Whether `bytes` begin as a JPEG, PNG or WebP file does.
bool looks_like_image(std::span<const std::byte> bytes);

/// Decodes a JPEG, PNG or still WebP file to 8-bit RGB, equal to Pillow's
/// `Image.open(path).convert("RGB")`: alpha is dropped (not composited), 16 bits a channel become
/// their high byte, 16-bit grey saturates at 255, CMYK is taken as Adobe's inverted one.
///
/// The leading bytes decide the type, never the name. Throws DataError, naming the file and the
/// cause, for a missing or empty file, any other type, a picture or file over `limits`, an
/// animation and a torn or corrupt file: what ends early is an error here, even where the decoder
/// could fill up the rest with grey.
Image decode_file(const std::filesystem::path& path, Orientation orientation,
                  const DecodeLimits& limits = {});

/// As decode_file, from memory. Messages call the picture `name`.
Image decode_bytes(std::span<const std::byte> bytes, const std::string& name,
                   Orientation orientation, const DecodeLimits& limits = {});

}  // namespace referent::image
