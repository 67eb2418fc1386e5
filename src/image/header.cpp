// SPDX-License-Identifier: Apache-2.0
#include "header.h"

#include <webp/decode.h>

#include "byte_view.h"
#include "file_kind.h"
#include "referent/core/error.h"

namespace referent::image {
namespace {

constexpr std::string_view kExifPrefix("Exif\0\0", 6);

/// Is this marker followed by a length and a payload?
bool has_payload(std::uint32_t marker) {
  const bool standalone = marker == 0x01 || (marker >= 0xD0 && marker <= 0xD8);
  return marker != 0 && !standalone;
}

/// Frame headers SOF0 to SOF15; C4, C8 and CC are tables and a reserved code.
bool is_frame_header(std::uint32_t marker) {
  return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

Header read_jpeg_header(const ByteView& file, const std::string& name) {
  constexpr std::uint32_t kApp1 = 0xE1;
  constexpr std::uint32_t kEndOfImage = 0xD9;
  constexpr std::uint32_t kStartOfScan = 0xDA;
  Header header{Format::kJpeg, {}};
  std::size_t at = 2;
  while (file.has(at, 2)) {
    // A marker is 0xFF and a code; fill bytes and junk before it are skipped, as decoders do.
    if (file.u8(at) != 0xFF || file.u8(at + 1) == 0xFF) {
      ++at;
      continue;
    }
    const std::uint32_t marker = file.u8(at + 1);
    at += 2;
    if (marker == kStartOfScan || marker == kEndOfImage) break;
    if (!has_payload(marker)) continue;
    const std::size_t length = file.big16(at);
    if (length < 2 || !file.has(at, length)) break;
    if (is_frame_header(marker)) {
      header.size = {file.big16(at + 5), file.big16(at + 3)};
    } else if (marker == kApp1 && file.starts_with(kExifPrefix, at + 2)) {
      header.orientation = exif_orientation(file.slice(at + 2, length - 2));
    }
    at += length;
  }
  if (header.size.width == 0 || header.size.height == 0) {
    throw DataError(
        "{} is a torn or corrupt JPEG file: no frame header with a size in its {} bytes", name,
        file.size());
  }
  return header;
}

Header read_png_header(const ByteView& file, const std::string& name) {
  constexpr std::size_t kFirstChunk = 8;
  constexpr std::size_t kChunkOverhead = 12;  // length, type, CRC
  if (!file.has(kFirstChunk, 13 + kChunkOverhead) || !file.starts_with("IHDR", kFirstChunk + 4)) {
    throw DataError("{} is a torn or corrupt PNG file: no IHDR chunk at its start", name);
  }
  Header header{Format::kPng, {file.big32(16), file.big32(20)}};
  if (header.size.width == 0 || header.size.height == 0) {
    throw DataError("{} is a corrupt PNG file: its size is {} x {}", name, header.size.width,
                    header.size.height);
  }
  for (std::size_t at = kFirstChunk; file.has(at, kChunkOverhead);) {
    const std::size_t length = file.big32(at);
    if (file.starts_with("acTL", at + 4) && file.big32(at + 8) > 1) {
      throw DataError("{} is an animated PNG file of {} frames; save one frame as a still picture",
                      name, file.big32(at + 8));
    }
    if (file.starts_with("eXIf", at + 4)) {
      header.orientation = exif_orientation(file.slice(at + 8, length));
    }
    at += length + kChunkOverhead;
  }
  return header;
}

Header read_webp_header(const ByteView& file, const std::string& name) {
  const auto bytes = file.slice(0, file.size());
  WebPBitstreamFeatures features;
  const VP8StatusCode status =
      WebPGetFeatures(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size(), &features);
  if (status != VP8_STATUS_OK) {
    throw DataError("{} is a torn or corrupt WebP file: its header is {}", name,
                    status == VP8_STATUS_NOT_ENOUGH_DATA ? "cut off" : "not valid");
  }
  if (features.has_animation != 0) {
    throw DataError("{} is an animated WebP file; save one frame as a still picture", name);
  }
  Header header{Format::kWebp, {features.width, features.height}};
  for (std::size_t at = 12; file.has(at, 8);) {
    const std::size_t length = file.little32(at + 4);
    if (file.starts_with("EXIF", at))
      header.orientation = exif_orientation(file.slice(at + 8, length));
    at += 8 + length + length % 2;
  }
  return header;
}

}  // namespace

int exif_orientation(std::span<const std::byte> exif) {
  constexpr std::uint32_t kOrientationTag = 0x0112;
  constexpr std::uint32_t kShort = 3;
  constexpr std::uint32_t kLong = 4;
  if (ByteView(exif).starts_with(kExifPrefix)) exif = exif.subspan(kExifPrefix.size());
  const ByteView tiff(exif);
  const bool little = tiff.starts_with(std::string_view("II*\0", 4));
  if (!little && !tiff.starts_with(std::string_view("MM\0*", 4))) return 1;
  const auto u16 = [&](std::size_t at) { return little ? tiff.little16(at) : tiff.big16(at); };
  const auto u32 = [&](std::size_t at) { return little ? tiff.little32(at) : tiff.big32(at); };
  const std::size_t directory = u32(4);
  const std::size_t entries = u16(directory);
  for (std::size_t i = 0; i < entries; ++i) {
    const std::size_t entry = directory + 2 + 12 * i;
    if (!tiff.has(entry, 12)) return 1;
    if (u16(entry) != kOrientationTag) continue;
    const std::uint32_t type = u16(entry + 2);
    if ((type != kShort && type != kLong) || u32(entry + 4) != 1) return 1;
    const std::uint32_t value = type == kShort ? u16(entry + 8) : u32(entry + 8);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

Header read_header(std::span<const std::byte> bytes, const std::string& name) {
  const ByteView file(bytes);
  if (bytes.empty()) throw DataError("{} is empty (0 bytes)", name);
  if (file.starts_with("\xFF\xD8\xFF")) return read_jpeg_header(file, name);
  if (file.starts_with("\x89PNG\r\n\x1A\n")) return read_png_header(file, name);
  if (file.starts_with("RIFF") && file.starts_with("WEBP", 8)) return read_webp_header(file, name);
  throw DataError("{} is {}; images must be JPEG, PNG or WebP files", name, describe_kind(bytes));
}

}  // namespace referent::image
