// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "referent/data/scenes.h"

namespace referent::data {

/// "large red square", "red shape", "star": what is not given may be anything.
struct NounPhrase {
  std::optional<bool> large;
  std::optional<ShapeColor> color;
  std::optional<ShapeKind> shape;

  bool matches(const SceneObject& object) const;
  std::string text() const;
};

enum class Relation {
  kNone,
  kLeftOf,
  kRightOf,
  kAbove,
  kBelow,
  kLeftmost,
  kRightmost,
  kTopmost,
  kBottommost,
};

/// What an expression says: a noun, perhaps a relation, perhaps the noun that it relates to.
struct Reference {
  NounPhrase noun;
  Relation relation = Relation::kNone;
  NounPhrase anchor;

  std::string text() const;
};

/// All references that mean object `target` of a picture with side `size` and no other: going by
/// the centres of the boxes it satisfies them clearly, every other object fails them clearly.
/// `relational` asks for those whose noun without its size fits at least two objects, else for
/// those by colour and shape alone.
std::vector<Reference> references_to(std::span<const SceneObject> objects, std::size_t target,
                                     double size, bool relational);

}  // namespace referent::data
