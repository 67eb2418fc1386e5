// SPDX-License-Identifier: Apache-2.0
#include <csetjmp>
#include <cstdio>
// jpeglib.h needs what cstdio declares, and jerror.h what jpeglib.h defines.
#include <jpeglib.h>

#include <jerror.h>

#include <array>

#include "decoders.h"
#include "referent/core/error.h"

namespace referent::image {
namespace {

/// Progressive files may repeat scans over the whole picture without end; real ones have about ten.
constexpr int kMaxScans = 500;

/// Does this warning of libjpeg mean that picture data is missing or damaged? The others (junk
/// between markers, odd version numbers or scan orders) are harmless and occur in the field.
bool means_damage(int code) {
  return code == JWRN_JPEG_EOF || code == JWRN_HIT_MARKER || code == JWRN_HUFF_BAD_CODE ||
         code == JWRN_ARITH_BAD_CODE || code == JWRN_MUST_RESYNC;
}

/// A decompression that reports every fault as a DataError. libjpeg leaves by longjmp, so what it
/// calls or is called from inside `guarded` owns nothing.
class Decompressor {
 public:
  Decompressor(std::span<const std::byte> bytes, const std::string& name) : name_(name) {
    info.err = jpeg_std_error(&manager_);
    info.client_data = this;
    manager_.error_exit = [](j_common_ptr common) { self(common).fail(); };
    manager_.emit_message = [](j_common_ptr common, int level) {
      if (level < 0 && means_damage(common->err->msg_code)) self(common).fail();
    };
    progress_.progress_monitor = [](j_common_ptr common) { self(common).check_scans(); };
    guarded([&] {
      jpeg_create_decompress(&info);
      info.progress = &progress_;
      jpeg_mem_src(&info, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
    });
  }
  Decompressor(const Decompressor&) = delete;
  Decompressor& operator=(const Decompressor&) = delete;
  ~Decompressor() { jpeg_destroy_decompress(&info); }

  template <typename Step>
  void guarded(Step&& step) {
    if (setjmp(failed_) == 0) {
      step();
      return;
    }
    throw DataError("{} is a torn or corrupt JPEG file: {}", name_, message_.data());
  }

  jpeg_decompress_struct info{};

 private:
  static Decompressor& self(j_common_ptr common) {
    return *static_cast<Decompressor*>(common->client_data);
  }

  [[noreturn]] void fail() {
    manager_.format_message(reinterpret_cast<j_common_ptr>(&info), message_.data());
    std::longjmp(failed_, 1);
  }

  void check_scans() {
    if (info.input_scan_number <= kMaxScans) return;
    std::snprintf(message_.data(), message_.size(), "more than %d scans", kMaxScans);
    std::longjmp(failed_, 1);
  }

  const std::string& name_;
  jpeg_error_mgr manager_{};
  jpeg_progress_mgr progress_{};
  std::jmp_buf failed_{};
  std::array<char, JMSG_LENGTH_MAX> message_{};
};

/// a * b / 255, rounded.
int scale_255(int a, int b) {
  const int product = a * b + 128;
  return (product + (product >> 8)) >> 8;
}

/// Adobe's inverted CMYK to RGB: without black generation, `white - ink * white` where white is
/// what the key leaves.
void inverted_cmyk_to_rgb(const std::uint8_t* cmyk, std::uint8_t* rgb, std::int64_t width) {
  for (std::int64_t x = 0; x < width; ++x, cmyk += 4, rgb += 3) {
    const int white = cmyk[3];
    for (int c = 0; c < 3; ++c) {
      rgb[c] = static_cast<std::uint8_t>(white - scale_255(255 - cmyk[c], white));
    }
  }
}

}  // namespace

Image decode_jpeg(std::span<const std::byte> bytes, ImageSize size, const std::string& name) {
  Decompressor decompressor(bytes, name);
  jpeg_decompress_struct& info = decompressor.info;
  decompressor.guarded([&] { jpeg_read_header(&info, TRUE); });
  if (info.image_width != size.width || info.image_height != size.height) {
    throw DataError("{} is a corrupt JPEG file: it states the sizes {} x {} and {} x {}", name,
                    size.width, size.height, info.image_width, info.image_height);
  }
  if (info.num_components == 2 || info.num_components > 4) {
    throw DataError("{} is a JPEG file of {} colour components; 1, 3 or 4 can be read", name,
                    info.num_components);
  }
  const bool is_cmyk = info.num_components == 4;
  info.out_color_space = is_cmyk ? JCS_CMYK : JCS_RGB;
  info.dct_method = JDCT_ISLOW;
  info.do_fancy_upsampling = TRUE;

  Image image(size.width, size.height);
  std::vector<std::uint8_t> cmyk(is_cmyk ? static_cast<std::size_t>(4 * size.width) : 0);
  decompressor.guarded([&] {
    jpeg_start_decompress(&info);
    while (info.output_scanline < info.output_height) {
      std::uint8_t* const to = image.row(info.output_scanline);
      JSAMPROW row = is_cmyk ? cmyk.data() : to;
      jpeg_read_scanlines(&info, &row, 1);
      if (is_cmyk) inverted_cmyk_to_rgb(row, to, size.width);
    }
    jpeg_finish_decompress(&info);
  });
  return image;
}

}  // namespace referent::image
