// SPDX-License-Identifier: Apache-2.0
#include "referent/image/encode.h"

#include <png.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
// jpeglib.h needs what cstdio declares.
#include <jpeglib.h>

#include <cctype>
#include <string>

#include "referent/core/error.h"
#include "referent/core/file.h"

namespace referent::image {
namespace {

constexpr std::int64_t kMaxJpegSide = JPEG_MAX_DIMENSION;

std::string lower_extension(const std::filesystem::path& path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension;
}

/// A compression into memory. With pixels and sizes checked beforehand only want of memory can
/// fail, and libjpeg's own handler would then end the process: it must throw.
class Compressor {
 public:
  Compressor() {
    info.err = jpeg_std_error(&manager_);
    manager_.error_exit = [](j_common_ptr common) {
      char message[JMSG_LENGTH_MAX];
      common->err->format_message(common, message);
      REFERENT_CHECK(false, "libjpeg: {}", message);
    };
    jpeg_create_compress(&info);
    jpeg_mem_dest(&info, &data_, &size_);
  }
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;
  ~Compressor() {
    jpeg_destroy_compress(&info);
    std::free(data_);
  }

  std::vector<std::byte> bytes() const {
    const auto* first = reinterpret_cast<const std::byte*>(data_);
    return {first, first + size_};
  }

  jpeg_compress_struct info{};

 private:
  jpeg_error_mgr manager_{};
  unsigned char* data_ = nullptr;
  unsigned long size_ = 0;
};

}  // namespace

std::vector<std::byte> encode_png(const Image& image) {
  REFERENT_CHECK(!image.empty(), "a picture without pixels cannot be encoded");
  png_image target{};
  target.version = PNG_IMAGE_VERSION;
  target.width = static_cast<png_uint_32>(image.width);
  target.height = static_cast<png_uint_32>(image.height);
  target.format = PNG_FORMAT_RGB;
  std::vector<std::byte> bytes(PNG_IMAGE_PNG_SIZE_MAX(target));
  png_alloc_size_t size = bytes.size();
  if (png_image_write_to_memory(&target, bytes.data(), &size, 0, image.pixels.data(), 0, nullptr) ==
      0) {
    throw DataError("a picture of {} x {} pixels cannot be encoded as PNG: {}", image.width,
                    image.height, target.message);
  }
  bytes.resize(size);
  return bytes;
}

std::vector<std::byte> encode_jpeg(const Image& image, int quality) {
  REFERENT_CHECK(!image.empty(), "a picture without pixels cannot be encoded");
  REFERENT_CHECK(quality >= 1 && quality <= 100, "JPEG quality {} is not in 1..100", quality);
  if (std::max(image.width, image.height) > kMaxJpegSide) {
    throw DataError(
        "a picture of {} x {} pixels cannot be encoded as JPEG, whose sides have at "
        "most {}; write a PNG file instead",
        image.width, image.height, kMaxJpegSide);
  }
  Compressor compressor;
  jpeg_compress_struct& info = compressor.info;
  info.image_width = static_cast<JDIMENSION>(image.width);
  info.image_height = static_cast<JDIMENSION>(image.height);
  info.input_components = 3;
  info.in_color_space = JCS_RGB;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, quality, TRUE);
  info.comp_info[0].h_samp_factor = 1;  // luma no finer than chroma: 4:4:4
  info.comp_info[0].v_samp_factor = 1;
  info.optimize_coding = TRUE;
  jpeg_start_compress(&info, TRUE);
  while (info.next_scanline < info.image_height) {
    // libjpeg takes rows as writable but does not write to them.
    auto* row = const_cast<JSAMPROW>(image.row(info.next_scanline));
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  return compressor.bytes();
}

void check_image_name(const std::filesystem::path& path) {
  const std::string extension = lower_extension(path);
  if (extension == ".png" || extension == ".jpg" || extension == ".jpeg") return;
  throw ConfigError(
      "cannot tell the type of {}: the name of a picture to write ends in .png, "
      ".jpg or .jpeg",
      path.string());
}

void save_image(const std::filesystem::path& path, const Image& image) {
  check_image_name(path);
  write_file(path, lower_extension(path) == ".png" ? encode_png(image) : encode_jpeg(image));
}

}  // namespace referent::image
