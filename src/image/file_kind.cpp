// SPDX-License-Identifier: Apache-2.0
#include "file_kind.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "byte_view.h"

namespace referent::image {
namespace {

using namespace std::string_view_literals;

struct Magic {
  std::size_t offset;
  std::string_view bytes;
  std::string_view kind;
};

constexpr std::array kMagics{
    Magic{0, "GIF8"sv, "a GIF file"},
    Magic{0, "BM"sv, "a BMP file"},
    Magic{0, "II*\0"sv, "a TIFF file"},
    Magic{0, "MM\0*"sv, "a TIFF file"},
    Magic{0, "II+\0"sv, "a BigTIFF file"},
    Magic{4, "ftypavif"sv, "an AVIF file"},
    Magic{4, "ftypavis"sv, "an AVIF file"},
    Magic{4, "ftypheic"sv, "a HEIC file"},
    Magic{4, "ftypheix"sv, "a HEIC file"},
    Magic{4, "ftypmif1"sv, "a HEIF file"},
    Magic{4, "ftyp"sv, "an MP4 or similar video file"},
    Magic{0, "\xFF\x0A"sv, "a JPEG XL file"},
    Magic{0, "\0\0\0\x0CJXL "sv, "a JPEG XL file"},
    Magic{0, "\0\0\0\x0CjP  "sv, "a JPEG 2000 file"},
    Magic{0, "\xFF\x4F\xFF\x51"sv, "a JPEG 2000 codestream"},
    Magic{0, "\x76\x2F\x31\x01"sv, "an OpenEXR file"},
    Magic{0, "8BPS"sv, "a Photoshop file"},
    Magic{0, "\0\0\1\0"sv, "an icon file"},
    Magic{0, "%PDF"sv, "a PDF file"},
    Magic{0, "PK\3\4"sv, "a zip archive"},
    Magic{0, "\x1F\x8B"sv, "a gzip file"},
    Magic{0, "\xFF\xD8"sv, "a torn or corrupt JPEG file"},
    Magic{0, "\x89PNG"sv, "a torn or corrupt PNG file"},
    Magic{0, "RIFF"sv, "a RIFF file that is not WebP"},
    Magic{0, "version https://git-lfs"sv, "a Git LFS pointer (run `git lfs pull`)"},
};

bool is_text(std::string_view head) {
  return std::all_of(head.begin(), head.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 || byte == '\n' || byte == '\r' || byte == '\t';
  });
}

}  // namespace

std::string describe_kind(std::span<const std::byte> bytes) {
  const ByteView file(bytes);
  for (const Magic& magic : kMagics) {
    if (file.starts_with(magic.bytes, magic.offset)) return std::string(magic.kind);
  }
  const auto start = file.slice(0, 512);
  const std::string_view head(reinterpret_cast<const char*>(start.data()), start.size());
  if (!is_text(head)) return "of an unknown type";
  if (head.find("<svg") != std::string_view::npos) return "an SVG file";
  if (head.find("<html") != std::string_view::npos ||
      head.find("<!DOCTYPE html") != std::string_view::npos) {
    return "an HTML page (a failed download?)";
  }
  return "a text file";
}

}  // namespace referent::image
