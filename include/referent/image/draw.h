// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "referent/image/image.h"
#include "referent/image/mask.h"

namespace referent::image {

/// A place in pixels; pixel (x, y) covers [x, x + 1) x [y, y + 1), as in Box.
struct Point {
  double x = 0;
  double y = 0;
};

struct Color {
  std::uint8_t r = 0;
  std::uint8_t g = 0;
  std::uint8_t b = 0;
  bool operator==(const Color&) const = default;
};

inline constexpr Color kPredictionColor{255, 179, 0};
inline constexpr Color kTargetColor{0, 214, 110};

/// Colours that tell several predictions on a picture apart, to eyes with poor sight of red or
/// green too; the first is kPredictionColor, none is kTargetColor. After the last they begin anew.
Color prediction_color(std::size_t index);

/// Fills the polygon (even-odd where it crosses itself), its edges antialiased, as far as it lies
/// in the picture. Fewer than three vertices draw nothing. Coordinates are used to 1/16 pixel.
void fill_polygon(Image& image, std::span<const Point> vertices, Color color);

/// Fills a circle of `radius` >= 0 pixels, antialiased as fill_polygon does.
void fill_circle(Image& image, Point center, double radius, Color color);

/// What draw_annotations puts on a picture.
struct Annotation {
  Box box;  ///< pixels; not drawn where a coordinate is not finite
  Color color = kPredictionColor;
  std::string label;              ///< UTF-8; empty for none
  std::optional<Mask> mask = {};  ///< of the picture's size
};

/// A copy with masks, boxes and labels that can be read on any photo: a mask is a tint with an
/// outline, a box a coloured outline between two dark ones, as wide as suits the picture, the label
/// stands on a filled strip at the box. Masks lie beneath all boxes. Strips stay inside the frame
/// and apart from each other as far as there is room; a long label is wrapped, then shortened by an
/// ellipsis.
///
/// Text needs the font DejaVu Sans in one of the usual folders, or others named by the environment
/// variable REFERENT_FONT, separated by colons: a letter comes from the first that has it (Noto
/// Sans CJK and others, then any installed font are looked for after DejaVu Sans), else it is a box
/// and a warning is logged, once. So it is without any font, when the labels are left out. Letters
/// stand from left to right in the order of the text, whatever the script.
Image draw_annotations(const Image& image, std::span<const Annotation> annotations);

/// draw_annotations with one box, labelled with the score (where the model has one) and the
/// expression.
Image draw_prediction(const Image& image, const Box& box, const std::string& expression,
                      std::optional<double> score);

/// The pictures side by side, row after row, each scaled to `cell_width` pixels of width, on light
/// grey. Empty when `images` is. Needs columns, cell_width >= 1 and pictures with pixels.
Image contact_sheet(std::span<const Image> images, std::int64_t columns, std::int64_t cell_width);

}  // namespace referent::image
