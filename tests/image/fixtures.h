// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>
#include <zlib.h>

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "referent/core/file.h"
#include "referent/core/hash.h"
#include "referent/image/image.h"

namespace referent::image {

/// A file of tests/golden/image, which make_image.py there has written.
inline Path golden_path(const std::string& name) {
  return Path(REFERENT_SOURCE_DIR) / "tests" / "golden" / "image" / name;
}

inline std::vector<std::byte> golden_file(const std::string& name) {
  return read_file(golden_path(name));
}

inline std::string crc_of(const Image& image) {
  return fmt::format("{:08x}", crc32(std::as_bytes(std::span(image.pixels))));
}

/// Every byte from one splitmix64 draw keyed by the size.
inline Image random_picture(std::int64_t width, std::int64_t height) {
  Image image(width, height);
  const std::uint64_t key = fnv1a64(fmt::format("random {}x{}", width, height));
  for (std::size_t i = 0; i < image.pixels.size(); ++i) {
    image.pixels[i] = static_cast<std::uint8_t>(splitmix64(key + (i + 1) * kGoldenGamma) >> 56);
  }
  return image;
}

/// Red grows to the right, green downwards, blue along the diagonal.
inline Image gradient_picture(std::int64_t width, std::int64_t height) {
  Image image(width, height);
  const auto shade = [](std::int64_t at, std::int64_t last) {
    return static_cast<std::uint8_t>(at * 255 / std::max<std::int64_t>(last, 1));
  };
  for (std::int64_t y = 0; y < height; ++y) {
    std::uint8_t* pixel = image.row(y);
    for (std::int64_t x = 0; x < width; ++x, pixel += 3) {
      pixel[0] = shade(x, width - 1);
      pixel[1] = shade(y, height - 1);
      pixel[2] = shade(x + y, width + height - 2);
    }
  }
  return image;
}

/// Not inlined: g++ 12 takes the growth of an empty vector for an overflow.
[[gnu::noinline]] inline void append(std::vector<std::byte>& bytes, std::string_view text) {
  const auto more = std::as_bytes(std::span(text));
  bytes.insert(bytes.end(), more.begin(), more.end());
}

inline void append_big32(std::vector<std::byte>& bytes, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) {
    bytes.push_back(static_cast<std::byte>(value >> shift));
  }
}

inline void append_png_chunk(std::vector<std::byte>& bytes, std::string_view type,
                             std::string_view data) {
  append_big32(bytes, static_cast<std::uint32_t>(data.size()));
  const std::size_t start = bytes.size();
  append(bytes, type);
  append(bytes, data);
  append_big32(bytes, crc32(std::span(bytes).subspan(start)));
}

/// Signature and IHDR of a PNG file that is not interlaced.
inline std::vector<std::byte> png_start(std::uint32_t width, std::uint32_t height, char bits,
                                        char color_type) {
  std::vector<std::byte> header;
  append_big32(header, width);
  append_big32(header, height);
  const char rest[] = {bits, color_type, 0, 0, 0};
  append(header, std::string_view(rest, sizeof(rest)));
  std::vector<std::byte> bytes;
  append(bytes, "\x89PNG\r\n\x1A\n");
  append_png_chunk(bytes, "IHDR", {reinterpret_cast<const char*>(header.data()), header.size()});
  return bytes;
}

}  // namespace referent::image
