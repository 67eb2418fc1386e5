// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "referent/checkpoint/state_dict.h"

namespace referent::checkpoint {

/// A released name and the native one. '*' stands for a number; a pattern that ends with '.' is a
/// prefix, and what follows it is kept; another pattern is a whole name.
struct NameRule {
  std::string_view released;
  std::string_view native;
  /// An older or shorter spelling that is read but never written.
  bool import_only = false;
};

/// The names of one family of released files. Of several rules that fit, the first counts.
struct NameRules {
  std::vector<NameRule> rules;
  /// Patterns and suffixes of released names that have no place in our models by design.
  std::vector<std::string_view> ignored;
  std::vector<std::string_view> ignored_suffixes;
  /// Suffixes that old files spell differently, with today's spelling.
  std::vector<NameRule> old_suffixes;
};

/// Renames the tensors of a family of released files, in both directions.
class NameMap {
 public:
  NameMap(std::string family, NameRules rules);

  const std::string& family() const { return family_; }

  /// "textmodel.bert.pooler.dense.bias" -> "text_encoder.bert.pooler.dense.bias"; none when the
  /// family has no such name or ignores it.
  std::optional<std::string> to_native(std::string_view released) const;
  /// The other way; none when a released file of the family has no place for it.
  std::optional<std::string> to_released(std::string_view native) const;
  /// Whether a released name is left out by design (a decoder we do not use, batch counters).
  bool ignored(std::string_view released) const;

 private:
  std::string family_;
  NameRules rules_;
};

/// "transvg", "mmca", "detr", "bert", "vg_law", "vitdet", "mae", "resnet".
std::vector<std::string> families();

/// Throws ConfigError, listing the families, for an unknown one.
const NameMap& name_map(std::string_view family);

/// The family whose characteristic names `state` holds; empty when there is none.
std::string detect_family(const StateDict& state);

}  // namespace referent::checkpoint
