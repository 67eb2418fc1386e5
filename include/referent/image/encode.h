// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

#include "referent/image/image.h"

namespace referent::image {

/// The whole PNG file of a picture with at least one pixel.
std::vector<std::byte> encode_png(const Image& image);

/// The whole JPEG file; `quality` 1 to 100. Chroma keeps its full resolution, because drawings have
/// thin coloured lines. Throws DataError for a side over 65,535, which JPEG cannot hold.
std::vector<std::byte> encode_jpeg(const Image& image, int quality = 92);

/// Throws ConfigError unless the name ends as those that save_image() takes: what is known before a
/// long computation should not be told after it.
void check_image_name(const std::filesystem::path& path);

/// Encodes by the extension (.png, .jpg or .jpeg, in any case) and writes the file whole or not at
/// all. Throws ConfigError for another extension, FileError when it cannot be written.
void save_image(const std::filesystem::path& path, const Image& image);

}  // namespace referent::image
