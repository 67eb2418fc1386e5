// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "referent/image/decode.h"

namespace referent::image {

enum class Format { kJpeg, kPng, kWebp };

/// What the bytes before the pixels say.
struct Header {
  Format format;
  ImageSize size;       ///< as stored
  int orientation = 1;  ///< EXIF, 1 to 8
};

/// Reads the header without allocating. Throws DataError for types other than JPEG, PNG and WebP,
/// naming what was seen, for torn headers and for animations.
Header read_header(std::span<const std::byte> bytes, const std::string& name);

/// EXIF orientation of a TIFF structure (with or without the "Exif" prefix); 1 where it is absent
/// or malformed.
int exif_orientation(std::span<const std::byte> exif);

}  // namespace referent::image
