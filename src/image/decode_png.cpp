// SPDX-License-Identifier: Apache-2.0
#include <png.h>

#include <array>
#include <csetjmp>
#include <cstdio>
#include <cstring>

#include "decoders.h"
#include "referent/core/error.h"

namespace referent::image {
namespace {

/// A reader that reports every fault as a DataError. libpng leaves by longjmp, so what it calls or
/// is called from inside `guarded` owns nothing.
class Reader {
 public:
  Reader(std::span<const std::byte> bytes, const std::string& name) : rest_(bytes), name_(name) {
    png = png_create_read_struct(
        PNG_LIBPNG_VER_STRING, this,
        [](png_structp p, const char* message) {
          static_cast<Reader*>(png_get_error_ptr(p))->fail(message);
        },
        [](png_structp, const char*) {});
    REFERENT_CHECK(png != nullptr, "no memory for libpng");
    info = png_create_info_struct(png);
    REFERENT_CHECK(info != nullptr, "no memory for libpng");
    png_set_read_fn(png, this, [](png_structp p, png_bytep to, std::size_t count) {
      static_cast<Reader*>(png_get_io_ptr(p))->read(to, count);
    });
    // Texts, profiles and other extras are skipped unread, so they cannot take memory.
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  ~Reader() { png_destroy_read_struct(&png, &info, nullptr); }

  template <typename Step>
  void guarded(Step&& step) {
    if (setjmp(failed_) == 0) {
      step();
      return;
    }
    throw DataError("{} is a torn or corrupt PNG file: {}", name_, message_.data());
  }

  png_structp png = nullptr;
  png_infop info = nullptr;

 private:
  [[noreturn]] void fail(const char* message) {
    std::snprintf(message_.data(), message_.size(), "%s", message);
    std::longjmp(failed_, 1);
  }

  void read(png_bytep to, std::size_t count) {
    if (count > rest_.size()) fail("it ends early");
    std::memcpy(to, rest_.data(), count);
    rest_ = rest_.subspan(count);
  }

  std::span<const std::byte> rest_;
  const std::string& name_;
  std::jmp_buf failed_{};
  std::array<char, 256> message_{};
};

/// 16-bit grey to RGB in place. Pillow saturates here, where for colour it takes the high byte.
void saturate_grey(png_structp, png_row_infop row, png_bytep data) {
  for (std::size_t x = row->width; x-- > 0;) {
    const png_byte grey = data[2 * x] == 0 ? data[2 * x + 1] : 255;
    std::memset(data + 3 * x, grey, 3);
  }
}

/// Asks libpng for 8-bit RGB rows.
void request_rgb(png_structp png, png_infop info) {
  const bool is_grey16 =
      png_get_color_type(png, info) == PNG_COLOR_TYPE_GRAY && png_get_bit_depth(png, info) == 16;
  if (is_grey16) {
    png_set_read_user_transform_fn(png, saturate_grey);
    png_set_user_transform_info(png, nullptr, 8, 3);
  } else {
    png_set_expand(png);
    png_set_strip_16(png);
    png_set_gray_to_rgb(png);
    png_set_strip_alpha(png);
  }
}

}  // namespace

Image decode_png(std::span<const std::byte> bytes, ImageSize size, const std::string& name) {
  Reader reader(bytes, name);
  reader.guarded([&] {
    png_read_info(reader.png, reader.info);
    request_rgb(reader.png, reader.info);
  });
  if (png_get_image_width(reader.png, reader.info) != size.width ||
      png_get_image_height(reader.png, reader.info) != size.height) {
    throw DataError("{} is a corrupt PNG file: it states two sizes", name);
  }
  Image image(size.width, size.height);
  reader.guarded([&] {
    const int passes = png_set_interlace_handling(reader.png);
    png_read_update_info(reader.png, reader.info);
    if (png_get_rowbytes(reader.png, reader.info) != static_cast<std::size_t>(3 * size.width)) {
      png_error(reader.png, "its rows are not RGB");
    }
    for (int pass = 0; pass < passes; ++pass) {
      for (std::int64_t y = 0; y < size.height; ++y) {
        png_read_row(reader.png, image.row(y), nullptr);
      }
    }
    png_read_end(reader.png, nullptr);
  });
  return image;
}

}  // namespace referent::image
