// SPDX-License-Identifier: Apache-2.0
#include "font.h"

#include <ft2build.h>
#include FT_FREETYPE_H
#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <span>
#include <utility>

#include "installed_fonts.h"
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
/// Fonts with what DejaVu Sans lacks that are preferred to others with it: Chinese, Japanese,
/// Korean, and the rest.
constexpr std::array kFurtherFiles{
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
    "/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf",
    "/usr/share/fonts/truetype/freefont/FreeSans.ttf",
    "/usr/share/fonts/truetype/unifont/unifont.ttf",
};
constexpr char32_t kReplacement = U'\uFFFD';
constexpr char32_t kEllipsis = U'\u2026';

/// Of $REFERENT_FONT, separated by colons as in $PATH.
std::vector<std::string> chosen_files(std::string_view list) {
  std::vector<std::string> files;
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(':'), list.size());
    if (end > 0) files.emplace_back(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return files;
}

void warn_of_box_once(char32_t code) {
  static std::once_flag warned;
  std::call_once(warned, [code] {
    log::warning(
        "no font has the letter U+{:04X}, labels show a box for it and for others like it: install "
        "a font of its script (Debian: fonts-noto-core, for Chinese, Japanese and Korean "
        "fonts-noto-cjk) or let REFERENT_FONT name font files",
        static_cast<std::uint32_t>(code));
  });
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

/// One font file at one size.
class Face {
 public:
  /// Null where the file is no scalable font.
  static std::unique_ptr<Face> open(const std::string& file, int pixel_size) {
    auto face = std::make_unique<Face>();
    if (FT_Init_FreeType(&face->library_) != 0) return nullptr;
    if (FT_New_Face(face->library_, file.c_str(), 0, &face->face_) != 0) return nullptr;
    const bool usable = FT_IS_SCALABLE(face->face_) &&
                        FT_Set_Pixel_Sizes(face->face_, 0, static_cast<FT_UInt>(pixel_size)) == 0;
    return usable ? std::move(face) : nullptr;
  }

  Face() = default;
  Face(const Face&) = delete;
  Face& operator=(const Face&) = delete;
  ~Face() {
    if (face_ != nullptr) FT_Done_Face(face_);
    if (library_ != nullptr) FT_Done_FreeType(library_);
  }

  FT_Face operator*() const { return face_; }

 private:
  FT_Library library_ = nullptr;
  FT_Face face_ = nullptr;
};

class FreeTypeFont : public Font {
 public:
  /// Needs at least one face: the first one decides the height of lines. With `pixel_size` other
  /// installed fonts may be opened for letters that no face has.
  FreeTypeFont(std::vector<std::unique_ptr<Face>> faces, std::optional<int> pixel_size)
      : faces_(std::move(faces)), pixel_size_(pixel_size) {}

  int ascent() const override { return round_up(metrics().ascender); }
  int line_height() const override { return ascent() + round_up(-metrics().descender); }

  int width(std::u32string_view text) override {
    FT_Pos pen = 0;
    Glyph previous;
    for (const char32_t code : text) pen += advance(code, previous, FT_LOAD_TARGET_LIGHT);
    return round_up(pen);
  }

  void draw(Image& image, std::int64_t x, std::int64_t y, std::u32string_view text,
            Color color) override {
    FT_Pos pen = 0;
    Glyph previous;
    for (const char32_t code : text) {
      const FT_Pos step = advance(code, previous, FT_LOAD_RENDER | FT_LOAD_TARGET_LIGHT);
      const FT_GlyphSlot glyph = previous.face->glyph;
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
  struct Glyph {
    FT_Face face = nullptr;
    FT_UInt index = 0;
  };

  /// FreeType counts in 1/64 pixel.
  static int round_up(FT_Pos value) { return static_cast<int>((value + 63) >> 6); }

  const FT_Size_Metrics& metrics() const { return (**faces_.front())->size->metrics; }

  /// Of the first face that has the letter; where none has, the first one's sign for that, a box.
  Glyph find(char32_t code) {
    for (const auto& face : faces_) {
      if (const FT_UInt index = FT_Get_Char_Index(**face, code); index != 0) return {**face, index};
    }
    if (auto face = face_with(code); face != nullptr) {
      faces_.push_back(std::move(face));
      const FT_Face added = **faces_.back();
      return {added, FT_Get_Char_Index(added, code)};
    }
    warn_of_box_once(code);
    return {**faces_.front(), 0};
  }

  /// Another installed font that has the letter; null where there is none, or none may be opened.
  std::unique_ptr<Face> face_with(char32_t code) const {
    if (!pixel_size_) return nullptr;
    const std::string file = installed_font_with(code);
    return file.empty() ? nullptr : Face::open(file, *pixel_size_);
  }

  /// Loads the glyph of `code` and returns how far the pen moves, kerning with `previous`, which
  /// becomes it, included.
  FT_Pos advance(char32_t code, Glyph& previous, FT_Int32 flags) {
    const Glyph glyph = find(code);
    FT_Vector kerning{0, 0};
    if (previous.index != 0 && previous.face == glyph.face) {
      FT_Get_Kerning(glyph.face, previous.index, glyph.index, FT_KERNING_DEFAULT, &kerning);
    }
    previous = glyph;
    if (FT_Load_Glyph(glyph.face, glyph.index, flags) != 0) return 0;
    return glyph.face->glyph->advance.x + kerning.x;
  }

  std::vector<std::unique_ptr<Face>> faces_;
  std::optional<int> pixel_size_;
};

/// Adds the fonts of `files` that can be read, all of them or the first.
void add_faces(std::vector<std::unique_ptr<Face>>& faces, std::span<const std::string> files,
               bool all, int pixel_size) {
  for (const std::string& file : files) {
    auto face = Face::open(file, pixel_size);
    if (face == nullptr) continue;
    faces.push_back(std::move(face));
    if (!all) return;
  }
}

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

/// Marks without a shape of their own (joiners, directions, variation selectors), for which fonts
/// that lack them would show a box.
bool is_invisible(utf8proc_int32_t code) {
  return utf8proc_category(code) == UTF8PROC_CATEGORY_CF || (code >= 0xFE00 && code <= 0xFE0F);
}

}  // namespace

std::unique_ptr<Font> Font::open(int pixel_size) {
  std::vector<std::unique_ptr<Face>> faces;
  std::optional<int> others;
  const char* chosen = std::getenv("REFERENT_FONT");
  if (chosen != nullptr && *chosen != '\0') {
    add_faces(faces, chosen_files(chosen), /*all=*/true, pixel_size);
  } else {
    const std::vector<std::string> files(kFontFiles.begin(), kFontFiles.end());
    const std::vector<std::string> further(kFurtherFiles.begin(), kFurtherFiles.end());
    add_faces(faces, files, /*all=*/false, pixel_size);
    add_faces(faces, further, /*all=*/true, pixel_size);
    others = pixel_size;
  }
  if (!faces.empty()) return std::make_unique<FreeTypeFont>(std::move(faces), others);
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
    if (!is_invisible(code)) codes.push_back(code);
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
