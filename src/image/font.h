// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "referent/image/draw.h"

namespace referent::image {

/// Scalable fonts at one size, of which each letter takes the first that has it; one that none has
/// is a box, which is logged once. Not to be shared between threads.
class Font {
 public:
  /// The files of $REFERENT_FONT, separated by colons; else DejaVu Sans from the usual folders and,
  /// after it, what there is of fonts for other scripts, some by name and then whatever is
  /// installed. Null where neither the variable's nor a font known by name can be read, which is
  /// logged once.
  static std::unique_ptr<Font> open(int pixel_size);
  virtual ~Font() = default;

  /// Pixels from the top of a line to its baseline, and to the top of the next line.
  virtual int ascent() const = 0;
  virtual int line_height() const = 0;

  virtual int width(std::u32string_view text) = 0;

  /// Draws `text` from x on with its baseline at y; what lies outside the picture is left out.
  virtual void draw(Image& image, std::int64_t x, std::int64_t y, std::u32string_view text,
                    Color color) = 0;
};

/// The code points of UTF-8 text, combining marks composed with their letters where Unicode has
/// such a letter, control characters as spaces, marks without a shape left out, bytes that are not
/// UTF-8 as U+FFFD.
std::u32string decode_text(std::string_view utf8);

/// Breaks text at spaces (or inside a word that is too wide) into at most `max_lines` lines of at
/// most `max_width` pixels; what is left out is marked by an ellipsis.
std::vector<std::u32string> wrap_text(Font& font, std::u32string_view text, int max_width,
                                      std::size_t max_lines);

}  // namespace referent::image
