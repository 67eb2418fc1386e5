// SPDX-License-Identifier: Apache-2.0
#include "scene_language.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace referent::data {
namespace {

/// Least distance of centres by which a relation visibly holds, and by which the opposite holds
/// where it visibly does not [fractions of the side].
constexpr double kRelationMargin = 0.12;
constexpr double kOppositeMargin = 0.06;
/// Least lead of the leftmost, topmost, ... object over the next.
constexpr double kExtremeMargin = 0.08;

constexpr std::array<std::string_view, 4> kShapeNames{"circle", "square", "triangle", "star"};
constexpr std::array<std::string_view, 6> kColorNames{"red",    "green",  "blue",
                                                      "yellow", "purple", "orange"};
constexpr std::array kAnchored{Relation::kLeftOf, Relation::kRightOf, Relation::kAbove,
                               Relation::kBelow};
constexpr std::array kExtreme{Relation::kLeftmost, Relation::kRightmost, Relation::kTopmost,
                              Relation::kBottommost};

enum class Verdict { kNo, kUnclear, kYes };

double center(double low, double high) {
  return (low + high) / 2;
}

/// How far `object` lies in the direction of `relation`: of two objects the more leftward has the
/// larger value for kLeftOf and kLeftmost, and so on.
double position(const SceneObject& object, Relation relation) {
  switch (relation) {
    case Relation::kLeftOf:
    case Relation::kLeftmost:
      return -center(object.box.x1, object.box.x2);
    case Relation::kRightOf:
    case Relation::kRightmost:
      return center(object.box.x1, object.box.x2);
    case Relation::kAbove:
    case Relation::kTopmost:
      return -center(object.box.y1, object.box.y2);
    case Relation::kBelow:
    case Relation::kBottommost:
      return center(object.box.y1, object.box.y2);
    case Relation::kNone:
      break;
  }
  return 0;
}

/// `lead` in fractions of the side.
Verdict judge(double lead, double margin) {
  if (lead >= margin) return Verdict::kYes;
  return lead <= -kOppositeMargin ? Verdict::kNo : Verdict::kUnclear;
}

bool is_anchored(Relation relation) {
  return std::find(kAnchored.begin(), kAnchored.end(), relation) != kAnchored.end();
}

/// Whether object `index` is what `reference` means.
Verdict judge(std::span<const SceneObject> objects, std::size_t index, const Reference& reference,
              double size) {
  const Relation relation = reference.relation;
  if (!reference.noun.matches(objects[index])) return Verdict::kNo;
  if (relation == Relation::kNone) return Verdict::kYes;
  const double own = position(objects[index], relation);
  if (is_anchored(relation)) {
    const auto anchor = std::find_if(objects.begin(), objects.end(), [&](const SceneObject& other) {
      return reference.anchor.matches(other);
    });
    if (anchor == objects.end()) return Verdict::kNo;
    return judge((own - position(*anchor, relation)) / size, kRelationMargin);
  }
  Verdict verdict = Verdict::kYes;
  for (std::size_t i = 0; i < objects.size(); ++i) {
    if (i == index || !reference.noun.matches(objects[i])) continue;
    verdict =
        std::min(verdict, judge((own - position(objects[i], relation)) / size, kExtremeMargin));
  }
  return verdict;
}

bool means_only(std::span<const SceneObject> objects, std::size_t target,
                const Reference& reference, double size) {
  for (std::size_t i = 0; i < objects.size(); ++i) {
    const Verdict wanted = i == target ? Verdict::kYes : Verdict::kNo;
    if (judge(objects, i, reference, size) != wanted) return false;
  }
  return true;
}

std::int64_t count_matches(std::span<const SceneObject> objects, const NounPhrase& noun) {
  return std::count_if(objects.begin(), objects.end(),
                       [&](const SceneObject& object) { return noun.matches(object); });
}

/// The relational references with `noun`, which fits several objects, `target` among them.
std::vector<Reference> relational_candidates(std::span<const SceneObject> objects,
                                             std::size_t target, const NounPhrase& noun) {
  std::vector<Reference> candidates;
  candidates.reserve(kExtreme.size() + kAnchored.size() * objects.size() + 1);
  for (const Relation relation : kExtreme) candidates.push_back({noun, relation, {}});
  for (const SceneObject& anchor : objects) {
    const NounPhrase name{std::nullopt, anchor.color, anchor.shape};
    if (noun.matches(anchor) || count_matches(objects, name) != 1) continue;
    for (const Relation relation : kAnchored) candidates.push_back({noun, relation, name});
  }
  NounPhrase sized = noun;
  sized.large = objects[target].large;
  candidates.push_back({sized, Relation::kNone, {}});
  return candidates;
}

}  // namespace

bool NounPhrase::matches(const SceneObject& object) const {
  return large.value_or(object.large) == object.large &&
         color.value_or(object.color) == object.color &&
         shape.value_or(object.shape) == object.shape;
}

std::string NounPhrase::text() const {
  return fmt::format("{}{}{}{}", large ? (*large ? "large " : "small ") : "",
                     color ? kColorNames.at(static_cast<std::size_t>(*color)) : "",
                     color ? " " : "",
                     shape ? kShapeNames.at(static_cast<std::size_t>(*shape)) : "shape");
}

std::string Reference::text() const {
  const auto anchored = [this](std::string_view words) {
    return fmt::format("the {} {} the {}", noun.text(), words, anchor.text());
  };
  switch (relation) {
    case Relation::kLeftOf:
      return anchored("left of");
    case Relation::kRightOf:
      return anchored("right of");
    case Relation::kAbove:
      return anchored("above");
    case Relation::kBelow:
      return anchored("below");
    case Relation::kLeftmost:
      return fmt::format("the leftmost {}", noun.text());
    case Relation::kRightmost:
      return fmt::format("the rightmost {}", noun.text());
    case Relation::kTopmost:
      return fmt::format("the topmost {}", noun.text());
    case Relation::kBottommost:
      return fmt::format("the bottommost {}", noun.text());
    case Relation::kNone:
      break;
  }
  return fmt::format("the {}", noun.text());
}

std::vector<Reference> references_to(std::span<const SceneObject> objects, std::size_t target,
                                     double size, bool relational) {
  const SceneObject& object = objects[target];
  const std::array<NounPhrase, 3> nouns{NounPhrase{std::nullopt, object.color, object.shape},
                                        NounPhrase{std::nullopt, std::nullopt, object.shape},
                                        NounPhrase{std::nullopt, object.color, std::nullopt}};
  std::vector<Reference> references;
  for (const NounPhrase& noun : nouns) {
    const bool ambiguous = count_matches(objects, noun) > 1;
    if (ambiguous != relational) continue;
    const auto candidates = ambiguous ? relational_candidates(objects, target, noun)
                                      : std::vector<Reference>{{noun, Relation::kNone, {}}};
    std::copy_if(
        candidates.begin(), candidates.end(), std::back_inserter(references),
        [&](const Reference& candidate) { return means_only(objects, target, candidate, size); });
  }
  return references;
}

}  // namespace referent::data
