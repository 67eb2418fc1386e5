// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "referent/formats/rle.h"

namespace referent::formats {

/// The outline of an object as COCO stores it: polygons, or run lengths.
struct Segmentation {
  std::vector<std::vector<double>> polygons;  ///< x0, y0, x1, y1, ... in pixels
  std::optional<Rle> rle;

  /// Whether the file gives none: null or [].
  bool empty() const { return polygons.empty() && !rle; }
};

/// Reads a list of polygons, an object of run lengths {"size": [height, width], "counts"} with
/// counts as text or as numbers, a list of such objects (their union, as RefClef has them), or
/// null. Throws DataError, which begins with `where`.
Segmentation parse_segmentation(std::string_view json, const std::string& where);

/// Throws DataError unless x0, y0, x1, y1, ... are three corners or more, all of them finite and at
/// most a million pixels away.
void check_polygon(std::span<const double> polygon);

/// Throws DataError unless a mask can be made of it: polygons as check_polygon() wants them, run
/// lengths that fill their mask exactly.
void check_segmentation(const Segmentation& segmentation);

}  // namespace referent::formats
