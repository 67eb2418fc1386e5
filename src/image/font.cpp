// SPDX-License-Identifier: Apache-2.0
#include "font.h"

#include <ft2build.h>
#include FT_FREETYPE_H
#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <mutex>

#include "pixel.h"
#include "referent/core/error.h"
#include "referent/core/log.h"

namespace referent::image {
namespace {

constexpr std::array kFontFiles{
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
    "/usr/share/fonts/dejavu-sans-fonts/DejaVuSans.ttf",
    "/usr/share/fonts/dejavu/DejaVuSans.ttf",
    "/usr/share/fonts/TTF/DejaVuSans.ttf",
    "/usr/local/share/fonts/DejaVuSans.ttf",
    "/opt/homebrew/share/fonts/DejaVuSans.ttf",
};
constexpr char32_t kReplacement = U'\uFFFD';
constexpr char32_t kEllipsis = U'\u2026';

std::vector<std::string> font_files() {
  const char* chosen = std::getenv("REFERENT_FONT");
  if (chosen != nullptr && *chosen != '\0') return {chosen};
  return {kFontFiles.begin(), kFontFiles.end()};
}

void warn_once() {
  static std::once_flag warned;
  std::call_once(warned, [] {
    log::warning(
        "no font for labels, pictures are drawn without them: install DejaVu Sans (Debian: "
        "fonts-dejavu-core) or let REFERENT_FONT name a font file");
  });
}

void draw_bitmap(Image& image, std::int64_t left, std::int64_t top, const FT_Bitmap& bitmap,
                 Color color) {
  for (std::int64_t row = 0; row < static_cast<std::int64_t>(bitmap.rows); ++row) {
    const std::int64_t y = top + row;
    if (y < 0 || y >= image.height) continue;
    for (std::int64_t column = 0; column < static_cast<std::int64_t>(bitmap.width); ++column) {
      const std::int64_t x = left + column;
      if (x < 0 || x >= image.width) continue;
      blend(image.row(y) + 3 * x, color, bitmap.buffer[row * bitmap.pitch + column]);
    }
  }
}

class FreeTypeFont : public Font {
 public:
  FreeTypeFont(const std::string& file, int pixel_size) {
    if (FT_Init_FreeType(&library_) != 0) return;
    if (FT_New_Face(library_, file.c_str(), 0, &face_) != 0) {
      face_ = nullptr;
      return;
    }
    usable_ = FT_IS_SCALABLE(face_) &&
              FT_Set_Pixel_Sizes(face_, 0, static_cast<FT_UInt>(pixel_size)) == 0;
  }
  FreeTypeFont(const FreeTypeFont&) = delete;
  FreeTypeFont& operator=(const FreeTypeFont&) = delete;
  ~FreeTypeFont() override {
    if (face_ != nullptr) FT_Done_Face(face_);
    if (library_ != nullptr) FT_Done_FreeType(library_);
  }

  bool is_usable() const { return usable_; }

  int ascent() const override { return round_up(face_->size->metrics.ascender); }
  int line_height() const override { return ascent() + round_up(-face_->size->metrics.descender); }

  int width(std::u32string_view text) override {
    FT_Pos pen = 0;
    FT_UInt previous = 0;
    for (const char32_t code : text) pen += advance(code, previous, FT_LOAD_TARGET_LIGHT);
    return round_up(pen);
  }

  void draw(Image& image, std::int64_t x, std::int64_t y, std::u32string_view text,
            Color color) override {
    FT_Pos pen = 0;
    FT_UInt previous = 0;
    for (const char32_t code : text) {
      const FT_Pos step = advance(code, previous, FT_LOAD_RENDER | FT_LOAD_TARGET_LIGHT);
      const FT_GlyphSlot glyph = face_->glyph;
      if (glyph->format == FT_GLYPH_FORMAT_BITMAP &&
          glyph->bitmap.pixel_mode == FT_PIXEL_MODE_GRAY) {
        const FT_Pos origin = pen + step - glyph->advance.x;
        draw_bitmap(image, x + (origin >> 6) + glyph->bitmap_left, y - glyph->bitmap_top,
                    glyph->bitmap, color);
      }
      pen += step;
    }
  }

 private:
  /// FreeType counts in 1/64 pixel.
  static int round_up(FT_Pos value) { return static_cast<int>((value + 63) >> 6); }

  /// Loads the glyph of `code` and returns how far the pen moves, kerning with `previous` included.
  FT_Pos advance(char32_t code, FT_UInt& previous, FT_Int32 flags) {
    const FT_UInt index = FT_Get_Char_Index(face_, code);
    FT_Vector kerning{0, 0};
    if (previous != 0) FT_Get_Kerning(face_, previous, index, FT_KERNING_DEFAULT, &kerning);
    previous = index;
    if (FT_Load_Glyph(face_, index, flags) != 0) return 0;
    return face_->glyph->advance.x + kerning.x;
  }

  FT_Library library_ = nullptr;
  FT_Face face_ = nullptr;
  bool usable_ = false;
};

/// The longest prefix of `text`, followed by `tail`, that fits.
std::size_t fitting_length(Font& font, std::u32string_view text, std::u32string_view tail,
                           int max_width) {
  std::size_t low = 0;
  std::size_t high = text.size();
  while (low < high) {
    const std::size_t middle = (low + high + 1) / 2;
    std::u32string line(text.substr(0, middle));
    line += tail;
    if (font.width(line) <= max_width) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}

std::u32string_view trim(std::u32string_view text) {
  while (!text.empty() && text.front() == U' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == U' ') text.remove_suffix(1);
  return text;
}

/// `length`, or less where that would part a word.
std::size_t word_end(std::u32string_view text, std::size_t length) {
  if (length >= text.size()) return text.size();
  const std::size_t space = text.substr(0, length + 1).rfind(U' ');
  return space == std::u32string_view::npos || space == 0 ? length : space;
}

}  // namespace

std::unique_ptr<Font> Font::open(int pixel_size) {
  for (const std::string& file : font_files()) {
    auto font = std::make_unique<FreeTypeFont>(file, pixel_size);
    if (font->is_usable()) return font;
  }
  warn_once();
  return nullptr;
}

std::u32string decode_text(std::string_view utf8) {
  std::vector<utf8proc_int32_t> codes;
  codes.reserve(utf8.size());
  while (!utf8.empty()) {
    utf8proc_int32_t code = 0;
    const utf8proc_ssize_t used =
        utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(utf8.data()),
                         static_cast<utf8proc_ssize_t>(utf8.size()), &code);
    if (used <= 0) {
      code = kReplacement;
    } else if (utf8proc_category(code) == UTF8PROC_CATEGORY_CC) {
      code = U' ';
    }
    codes.push_back(code);
    utf8.remove_prefix(used <= 0 ? 1 : static_cast<std::size_t>(used));
  }
  const utf8proc_ssize_t length = utf8proc_normalize_utf32(
      codes.data(), static_cast<utf8proc_ssize_t>(codes.size()), UTF8PROC_COMPOSE);
  REFERENT_CHECK(length >= 0, "utf8proc: {}", utf8proc_errmsg(length));
  return {codes.begin(), codes.begin() + length};
}

std::vector<std::u32string> wrap_text(Font& font, std::u32string_view text, int max_width,
                                      std::size_t max_lines) {
  std::vector<std::u32string> lines;
  text = trim(text);
  while (!text.empty() && lines.size() < max_lines) {
    std::size_t length = fitting_length(font, text, {}, max_width);
    const bool is_last = lines.size() + 1 == max_lines;
    if (length < text.size() && is_last) {
      length = word_end(text, fitting_length(font, text, {&kEllipsis, 1}, max_width));
      lines.emplace_back(trim(text.substr(0, length)));
      lines.back() += kEllipsis;
      break;
    }
    length = word_end(text, length);
    length = std::max<std::size_t>(length, 1);
    lines.emplace_back(trim(text.substr(0, length)));
    text = trim(text.substr(length));
  }
  return lines;
}

}  // namespace referent::image
