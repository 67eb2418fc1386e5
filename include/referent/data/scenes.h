// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "referent/data/config.h"
#include "referent/image/image.h"

namespace referent::data {

enum class ShapeKind { kCircle, kSquare, kTriangle, kStar };
enum class ShapeColor { kRed, kGreen, kBlue, kYellow, kPurple, kOrange };

/// One shape of a scene.
struct SceneObject {
  ShapeKind shape = ShapeKind::kCircle;
  ShapeColor color = ShapeColor::kRed;
  bool large = false;
  double x = 0;  ///< centre [pixels]
  double y = 0;
  double radius = 0;    ///< of the circle around the shape, which meets no other object's
  double rotation = 0;  ///< [radians]
  image::Box box;       ///< around the shape's pixels; whole numbers, x2 and y2 exclusive
};

/// A picture with an expression that means exactly one of its objects.
struct Scene {
  image::Image image;
  std::vector<SceneObject> objects;
  std::string expression;
  std::int64_t target = 0;  ///< index of the object that is meant
  /// Colour and shape alone would leave at least two objects: a place, a relation or a size
  /// decides. Exactly every other scene is so.
  bool relational = false;
  std::vector<std::uint8_t> mask;  ///< 0 or 1 a pixel, row-major: the target
};

/// Scene number `index` >= 0 of the endless sequence that `config.seed` determines. The expression
/// holds by a visible margin for its target and fails by one for every other object. Throws
/// ConfigError when max_objects is below min_objects.
Scene make_scene(const SceneConfig& config, std::int64_t index);

/// Writes a data set of scenes as JSON lines: `out`/train.jsonl, val.jsonl and images/*.png, with
/// box, mask (RLE), "relational", and under "objects" the boxes of the other objects, so that the
/// score of pointing at any object can be computed. The folder appears complete or not at all.
/// Throws FileError when `out` is there already and no empty folder, or cannot be written.
void synthesize(const std::filesystem::path& out, const SceneConfig& config,
                std::int64_t train_count, std::int64_t val_count);

}  // namespace referent::data
