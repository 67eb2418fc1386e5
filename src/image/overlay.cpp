// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include "font.h"
#include "mask_overlay.h"
#include "referent/core/error.h"
#include "referent/image/draw.h"

namespace referent::image {
namespace {

constexpr Color kDark{16, 16, 16};
constexpr Color kLight{255, 255, 255};
constexpr std::int64_t kMaxLines = 3;

/// Whole pixels, left and top included, right and bottom not.
struct Rectangle {
  std::int64_t left;
  std::int64_t top;
  std::int64_t right;
  std::int64_t bottom;

  std::int64_t width() const { return right - left; }
  std::int64_t height() const { return bottom - top; }
  bool overlaps(const Rectangle& other) const {
    return left < other.right && other.left < right && top < other.bottom && other.top < bottom;
  }
  Rectangle shrunk(std::int64_t by) const { return {left + by, top + by, right - by, bottom - by}; }
};

/// Measures that grow with the picture, so that drawings look alike at any size.
struct Style {
  explicit Style(const Image& image) {
    const auto size = static_cast<double>(std::max(image.width, image.height));
    line = std::max<std::int64_t>(std::lround(size / 220), 1);
    edge = std::max<std::int64_t>(std::lround(size / 640), 1);
    text = static_cast<int>(std::max<std::int64_t>(std::lround(size / 36), 11));
    padding = std::max<std::int64_t>(text / 4, 2);
  }
  std::int64_t line;     ///< width of the coloured outline
  std::int64_t edge;     ///< width of the dark ones on its sides
  int text;              ///< height of the letters' em square
  std::int64_t padding;  ///< between text and the border of its strip
};

void fill(Image& image, const Rectangle& area, Color color) {
  const std::int64_t left = std::clamp<std::int64_t>(area.left, 0, image.width);
  const std::int64_t right = std::clamp<std::int64_t>(area.right, left, image.width);
  const std::int64_t top = std::clamp<std::int64_t>(area.top, 0, image.height);
  const std::int64_t bottom = std::clamp<std::int64_t>(area.bottom, top, image.height);
  for (std::int64_t y = top; y < bottom; ++y) {
    std::uint8_t* pixel = image.row(y) + 3 * left;
    for (std::int64_t x = left; x < right; ++x, pixel += 3) {
      pixel[0] = color.r;
      pixel[1] = color.g;
      pixel[2] = color.b;
    }
  }
}

/// The frame between `outer` and `outer` shrunk by `width`.
void draw_frame(Image& image, const Rectangle& outer, std::int64_t width, Color color) {
  const auto [left, top, right, bottom] = outer;
  fill(image, {left, top, right, top + width}, color);
  fill(image, {left, bottom - width, right, bottom}, color);
  fill(image, {left, top, left + width, bottom}, color);
  fill(image, {right - width, top, right, bottom}, color);
}

bool is_finite(const Box& box) {
  return std::isfinite(box.x1) && std::isfinite(box.y1) && std::isfinite(box.x2) &&
         std::isfinite(box.y2);
}

/// The outside of the box's outline: centred on the box, moved into the picture as far as needed,
/// and never thinner than the outline itself.
Rectangle outline_of(const Box& box, const Image& image, const Style& style) {
  const std::int64_t thickness = style.line + 2 * style.edge;
  const auto interval = [thickness](double from, double to, std::int64_t size) {
    const double half = static_cast<double>(thickness) / 2;
    const auto end = static_cast<double>(size);
    auto low = std::lround(std::clamp(std::min(from, to) - half, 0.0, end));
    auto high = std::lround(std::clamp(std::max(from, to) + half, 0.0, end));
    if (high - low < 2 * thickness) {
      low = std::clamp<std::int64_t>((low + high) / 2 - thickness, 0,
                                     std::max<std::int64_t>(size - 2 * thickness, 0));
      high = std::min<std::int64_t>(low + 2 * thickness, size);
    }
    return std::pair<std::int64_t, std::int64_t>(low, high);
  };
  const auto [left, right] = interval(box.x1, box.x2, image.width);
  const auto [top, bottom] = interval(box.y1, box.y2, image.height);
  return {left, top, right, bottom};
}

void draw_outline(Image& image, const Rectangle& outline, const Style& style, Color color) {
  draw_frame(image, outline, style.line + 2 * style.edge, kDark);
  draw_frame(image, outline.shrunk(style.edge), style.line, color);
}

/// Black or white, whichever stands out from `color`.
Color text_color_on(Color color) {
  return 299 * color.r + 587 * color.g + 114 * color.b > 128'000 ? kDark : kLight;
}

/// Where a strip of this size goes: above the box, below it, or inside at its top or bottom; the
/// first of these that lies in the picture and on no other strip, else the nearest place with room,
/// else the first in the picture.
Rectangle place_strip(std::int64_t width, std::int64_t height, const Rectangle& outline,
                      const Image& image, const std::vector<Rectangle>& taken) {
  const std::int64_t last = std::max<std::int64_t>(image.width - width, 0);
  const std::int64_t left = std::clamp<std::int64_t>(outline.left, 0, last);
  const std::array tops{outline.top - height, outline.bottom, outline.top, outline.bottom - height,
                        std::int64_t{0}};
  std::vector<Rectangle> inside;
  for (const std::int64_t top : tops) {
    const Rectangle strip{left, top, left + width, top + height};
    if (strip.top >= 0 && strip.bottom <= image.height) inside.push_back(strip);
  }
  const auto is_free = [&taken](const Rectangle& strip) {
    return std::none_of(taken.begin(), taken.end(),
                        [&](const Rectangle& other) { return strip.overlaps(other); });
  };
  for (const Rectangle& strip : inside) {
    if (is_free(strip)) return strip;
  }
  const std::array lefts{left, std::max<std::int64_t>(outline.right - width, 0), std::int64_t{0},
                         last};
  for (std::int64_t distance = 0; distance < image.height; ++distance) {
    for (const std::int64_t top : {outline.top - distance, outline.top + distance}) {
      if (top < 0 || top + height > image.height) continue;
      for (const std::int64_t x : lefts) {
        const Rectangle strip{x, top, x + width, top + height};
        if (is_free(strip)) return strip;
      }
    }
  }
  return inside.empty() ? Rectangle{left, 0, left + width, height} : inside.front();
}

/// The lines of a label and the size of the strip they need.
struct Layout {
  std::vector<std::u32string> lines;
  std::int64_t width;
  std::int64_t height;
};

Layout lay_out(Font& font, std::u32string_view text, std::int64_t max_width,
               std::int64_t max_height, const Style& style) {
  const std::int64_t sides = 2 * (style.edge + style.padding);
  const std::int64_t above_and_below = 2 * style.edge + style.padding;
  const auto room = static_cast<int>(std::max<std::int64_t>(max_width - sides, 1));
  const auto max_lines =
      std::clamp<std::int64_t>((max_height - above_and_below) / font.line_height(), 1, kMaxLines);
  Layout layout{wrap_text(font, text, room, static_cast<std::size_t>(max_lines)), 0, 0};
  for (const auto& line : layout.lines) {
    layout.width = std::max<std::int64_t>(layout.width, font.width(line));
  }
  layout.width += sides;
  layout.height =
      static_cast<std::int64_t>(layout.lines.size()) * font.line_height() + above_and_below;
  return layout;
}

/// As wide as the box where that is reasonable, so that the strip belongs to it visibly; as wide as
/// the picture where only that keeps it out of the box.
Layout lay_out_at(Font& font, std::u32string_view text, const Rectangle& outline,
                  const Image& image, const Style& style) {
  const std::int64_t reasonable = std::max(outline.width(), image.width * 9 / 20);
  const std::int64_t room = std::max(outline.top, image.height - outline.bottom);
  Layout layout = lay_out(font, text, std::min(reasonable, image.width), image.height, style);
  if (layout.height <= room) return layout;
  Layout flat = lay_out(font, text, image.width, room, style);
  return flat.height <= room ? flat : layout;
}

/// Draws the label and returns the strip it took.
Rectangle draw_label(Image& image, Font& font, const Annotation& annotation,
                     const Rectangle& outline, const Style& style,
                     const std::vector<Rectangle>& taken) {
  const Layout layout = lay_out_at(font, decode_text(annotation.label), outline, image, style);
  const Rectangle strip = place_strip(layout.width, layout.height, outline, image, taken);
  fill(image, strip, kDark);
  fill(image, strip.shrunk(style.edge), annotation.color);
  std::int64_t baseline = strip.top + style.edge + style.padding / 2 + font.ascent();
  for (const auto& line : layout.lines) {
    font.draw(image, strip.left + style.edge + style.padding, baseline, line,
              text_color_on(annotation.color));
    baseline += font.line_height();
  }
  return strip;
}

}  // namespace

Color prediction_color(std::size_t index) {
  constexpr std::array<Color, 6> kColors{kPredictionColor,     Color{86, 180, 255},
                                         Color{255, 120, 190}, Color{250, 240, 90},
                                         Color{170, 110, 255}, Color{0, 200, 200}};
  return kColors[index % kColors.size()];
}

Image draw_annotations(const Image& image, std::span<const Annotation> annotations) {
  REFERENT_CHECK(!image.empty(), "a picture without pixels cannot be drawn on");
  Image drawn = image;
  const Style style(image);
  for (const Annotation& annotation : annotations) {
    if (annotation.mask) {
      draw_mask(drawn, *annotation.mask, annotation.color, style.line, style.edge);
    }
  }
  std::vector<Rectangle> outlines;
  for (const Annotation& annotation : annotations) {
    const bool is_drawable = is_finite(annotation.box);
    outlines.push_back(outline_of(is_drawable ? annotation.box : Box{}, image, style));
    if (is_drawable) draw_outline(drawn, outlines.back(), style, annotation.color);
  }
  // Labels come last: no outline may cross a text.
  const bool has_labels = std::any_of(annotations.begin(), annotations.end(),
                                      [](const Annotation& a) { return !a.label.empty(); });
  const auto font = has_labels ? Font::open(style.text) : nullptr;
  if (font == nullptr) return drawn;
  std::vector<Rectangle> strips;
  for (std::size_t i = 0; i < annotations.size(); ++i) {
    if (annotations[i].label.empty()) continue;
    strips.push_back(draw_label(drawn, *font, annotations[i], outlines[i], style, strips));
  }
  return drawn;
}

Image draw_prediction(const Image& image, const Box& box, const std::string& expression,
                      std::optional<double> score) {
  // The score stands first, where no shortening can take it away.
  const std::string label =
      score.has_value() ? fmt::format("{:.2f}  {}", *score, expression) : expression;
  const Annotation annotation{box, kPredictionColor, label};
  return draw_annotations(image, {&annotation, 1});
}

}  // namespace referent::image
