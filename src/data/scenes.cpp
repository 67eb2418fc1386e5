// SPDX-License-Identifier: Apache-2.0
#include "referent/data/scenes.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <optional>
#include <utility>

#include "referent/core/error.h"
#include "referent/core/random.h"
#include "scene_language.h"

namespace referent::data {
namespace {

using Rgb = std::array<double, 3>;

constexpr std::array<Rgb, 6> kColors{Rgb{214, 40, 40},  Rgb{46, 160, 67},  Rgb{38, 92, 214},
                                     Rgb{242, 205, 30}, Rgb{138, 60, 170}, Rgb{243, 130, 25}};
constexpr double kColorJitter = 12;
constexpr std::array<double, 2> kSmallRadius{0.095, 0.110};  ///< fractions of the side
constexpr std::array<double, 2> kLargeRadius{0.145, 0.165};
constexpr double kGap = 0.02;
constexpr double kMaxRotation = 0.2;
constexpr int kPlacementTries = 60;
constexpr double kPreferAnchored = 0.75;
constexpr std::int64_t kSamplesPerSide = 4;  ///< of a pixel, for its coverage

struct Point {
  double x;
  double y;
};

/// Corners of a polygon with its centre at the origin; none for a circle.
std::vector<Point> corners(const SceneObject& object) {
  const auto ring = [&](int count, double inner) {
    std::vector<Point> points;
    for (int i = 0; i < count; ++i) {
      const double radius = i % 2 == 1 ? object.radius * inner : object.radius;
      const double angle =
          object.rotation + 2 * std::numbers::pi * i / count - std::numbers::pi / 2;
      points.push_back({radius * std::cos(angle), radius * std::sin(angle)});
    }
    return points;
  };
  switch (object.shape) {
    case ShapeKind::kCircle:
      return {};
    case ShapeKind::kSquare: {
      auto points = ring(4, 1.0);
      for (Point& p : points) {
        p = {(p.x - p.y) * std::numbers::sqrt2 / 2, (p.x + p.y) * std::numbers::sqrt2 / 2};
      }
      return points;
    }
    case ShapeKind::kTriangle:
      return ring(3, 1.0);
    case ShapeKind::kStar:
      return ring(10, 0.45);
  }
  return {};
}

/// Even-odd rule.
bool inside(const std::vector<Point>& polygon, double x, double y) {
  bool result = false;
  for (std::size_t i = 0, j = polygon.size() - 1; i < polygon.size(); j = i++) {
    const Point& a = polygon[i];
    const Point& b = polygon[j];
    if ((a.y > y) != (b.y > y) && x < (b.x - a.x) * (y - a.y) / (b.y - a.y) + a.x) result = !result;
  }
  return result;
}

/// Calls `visit(x, y, coverage)` for every pixel that the object touches, coverage in (0, 1].
template <typename Visit>
void for_each_pixel(const SceneObject& object, std::int64_t size, Visit visit) {
  const auto polygon = corners(object);
  const auto contains = [&](double x, double y) {
    return object.shape == ShapeKind::kCircle ? x * x + y * y <= object.radius * object.radius
                                              : inside(polygon, x, y);
  };
  const auto low = [&](double centre) {
    return std::max<std::int64_t>(0, static_cast<std::int64_t>(centre - object.radius) - 1);
  };
  const auto high = [&](double centre) {
    return std::min(size, static_cast<std::int64_t>(centre + object.radius) + 2);
  };
  for (std::int64_t y = low(object.y); y < high(object.y); ++y) {
    for (std::int64_t x = low(object.x); x < high(object.x); ++x) {
      int hits = 0;
      for (std::int64_t i = 0; i < kSamplesPerSide * kSamplesPerSide; ++i) {
        const auto offset = [](std::int64_t sample) {
          return (static_cast<double>(sample) + 0.5) / static_cast<double>(kSamplesPerSide);
        };
        hits += contains(static_cast<double>(x) + offset(i % kSamplesPerSide) - object.x,
                         static_cast<double>(y) + offset(i / kSamplesPerSide) - object.y)
                    ? 1
                    : 0;
      }
      if (hits > 0) {
        visit(x, y,
              static_cast<double>(hits) / static_cast<double>(kSamplesPerSide * kSamplesPerSide));
      }
    }
  }
}

std::uint8_t to_byte(double value) {
  return static_cast<std::uint8_t>(std::lround(std::clamp(value, 0.0, 255.0)));
}

/// A light ground with a hint of colour; every other one with grain.
image::Image draw_ground(std::int64_t size, RandomStream& stream) {
  Rgb base{};
  const double brightness = stream.uniform(190, 240);
  for (double& channel : base) channel = brightness + stream.uniform(-12, 12);
  const double grain = stream.chance(0.5) ? stream.uniform(2, 8) : 0.0;
  image::Image image(size, size);
  for (std::size_t i = 0; i < image.pixels.size(); i += 3) {
    const double noise = grain > 0 ? stream.uniform(-grain, grain) : 0.0;
    for (std::size_t c = 0; c < 3; ++c) image.pixels[i + c] = to_byte(base[c] + noise);
  }
  return image;
}

void draw_object(image::Image& image, const SceneObject& object, RandomStream& stream) {
  Rgb color = kColors.at(static_cast<std::size_t>(object.color));
  for (double& channel : color) channel += stream.uniform(-kColorJitter, kColorJitter);
  for_each_pixel(object, image.width, [&](std::int64_t x, std::int64_t y, double coverage) {
    std::uint8_t* pixel = image.row(y) + 3 * x;
    for (std::size_t c = 0; c < 3; ++c) {
      pixel[c] = to_byte(coverage * color[c] + (1 - coverage) * pixel[c]);
    }
  });
}

/// The pixels that the object covers by half or more.
std::vector<std::uint8_t> object_mask(const SceneObject& object, std::int64_t size) {
  std::vector<std::uint8_t> mask(static_cast<std::size_t>(size * size));
  for_each_pixel(object, size, [&](std::int64_t x, std::int64_t y, double coverage) {
    mask[static_cast<std::size_t>(y * size + x)] = coverage >= 0.5 ? 1 : 0;
  });
  return mask;
}

image::Box mask_box(const SceneObject& object, std::int64_t size) {
  const auto side = static_cast<double>(size);
  image::Box box{side, side, 0, 0};
  for_each_pixel(object, size, [&](std::int64_t x, std::int64_t y, double coverage) {
    if (coverage < 0.5) return;
    box.x1 = std::min(box.x1, static_cast<double>(x));
    box.y1 = std::min(box.y1, static_cast<double>(y));
    box.x2 = std::max(box.x2, static_cast<double>(x + 1));
    box.y2 = std::max(box.y2, static_cast<double>(y + 1));
  });
  return box;
}

/// Shape, colour and size of every object. A relational scene has two or three objects of one
/// colour and shape.
std::vector<SceneObject> draw_attributes(const SceneConfig& config, bool relational,
                                         RandomStream& stream) {
  std::vector<SceneObject> objects(
      static_cast<std::size_t>(stream.integer(config.min_objects, config.max_objects)));
  for (SceneObject& object : objects) {
    object.shape = static_cast<ShapeKind>(stream.integer(0, 3));
    object.color = static_cast<ShapeColor>(stream.integer(0, 5));
    object.large = stream.chance(0.5);
  }
  if (relational) {
    const std::size_t alike = stream.chance(0.4) ? 3 : 2;
    for (std::size_t i = 1; i < alike; ++i) {
      objects[i].shape = objects[0].shape;
      objects[i].color = objects[0].color;
    }
  }
  return objects;
}

/// Gives every object a place of its own; false when the picture is too full.
bool place_objects(std::vector<SceneObject>& objects, std::int64_t size, RandomStream& stream) {
  const auto side = static_cast<double>(size);
  for (std::size_t i = 0; i < objects.size(); ++i) {
    SceneObject& object = objects[i];
    const auto& range = object.large ? kLargeRadius : kSmallRadius;
    object.radius = stream.uniform(range[0], range[1]) * side;
    object.rotation = stream.uniform(-kMaxRotation, kMaxRotation);
    const double margin = object.radius + kGap * side;
    bool placed = false;
    for (int attempt = 0; attempt < kPlacementTries && !placed; ++attempt) {
      object.x = stream.uniform(margin, side - margin);
      object.y = stream.uniform(margin, side - margin);
      placed = std::all_of(objects.begin(), objects.begin() + static_cast<std::ptrdiff_t>(i),
                           [&](const SceneObject& other) {
                             return std::hypot(object.x - other.x, object.y - other.y) >=
                                    object.radius + other.radius + kGap * side;
                           });
    }
    if (!placed) return false;
  }
  return true;
}

struct Choice {
  std::size_t target;
  Reference reference;
};

/// A target and what to call it. References that relate to another object are preferred to those by
/// extreme place or by size; not every scene allows them, and so they become about half.
std::optional<Choice> choose_reference(const std::vector<SceneObject>& objects, double size,
                                       bool relational, RandomStream& stream) {
  std::vector<Choice> anchored;
  std::vector<Choice> others;
  for (std::size_t target = 0; target < objects.size(); ++target) {
    for (const Reference& reference : references_to(objects, target, size, relational)) {
      const bool has_anchor = reference.anchor.shape.has_value();
      (has_anchor ? anchored : others).push_back({target, reference});
    }
  }
  const bool prefer_anchored = stream.chance(kPreferAnchored);
  const auto& first = prefer_anchored ? anchored : others;
  const auto& second = prefer_anchored ? others : anchored;
  if (!first.empty()) return stream.choice(first);
  if (!second.empty()) return stream.choice(second);
  return std::nullopt;
}

}  // namespace

Scene make_scene(const SceneConfig& config, std::int64_t index) {
  if (config.max_objects < config.min_objects) {
    throw ConfigError("scenes of {} to {} objects: max_objects must be at least min_objects",
                      config.min_objects, config.max_objects);
  }
  RandomStream stream(static_cast<std::uint64_t>(config.seed), 0, static_cast<std::uint64_t>(index),
                      "scene");
  Scene scene;
  scene.relational = index % 2 == 1;
  std::optional<Choice> choice;
  while (!choice) {
    scene.objects = draw_attributes(config, scene.relational, stream);
    if (!place_objects(scene.objects, config.size, stream)) continue;
    for (SceneObject& object : scene.objects) object.box = mask_box(object, config.size);
    choice =
        choose_reference(scene.objects, static_cast<double>(config.size), scene.relational, stream);
  }
  scene.target = static_cast<std::int64_t>(choice->target);
  scene.expression = choice->reference.text();
  scene.image = draw_ground(config.size, stream);
  for (const SceneObject& object : scene.objects) draw_object(scene.image, object, stream);
  scene.mask = object_mask(scene.objects[choice->target], config.size);
  return scene;
}

}  // namespace referent::data
