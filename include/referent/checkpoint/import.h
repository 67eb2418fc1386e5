// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "referent/checkpoint/name_map.h"
#include "referent/checkpoint/state_dict.h"
#include "referent/formats/tensor.h"

namespace referent::checkpoint {

/// What became of every tensor of a released file and of every one a model wants.
struct ImportReport {
  struct WrongShape {
    std::string name;  ///< native
    std::vector<std::int64_t> expected;
    std::vector<std::int64_t> seen;
  };

  std::vector<std::string> matched;  ///< native names
  std::vector<std::string> missing;  ///< native names that are wanted but absent
  std::vector<std::string> unused;   ///< released names that have no place
  std::vector<std::string> ignored;  ///< released names left out by design
  std::vector<WrongShape> wrong_shape;
  std::vector<std::string> resized;  ///< native names of position tables fitted to the model

  /// Nothing missing, nothing of the wrong shape.
  bool complete() const { return missing.empty() && wrong_shape.empty(); }
};

struct ImportResult {
  formats::TensorMap native;  ///< the matched tensors, bytes unchanged
  ImportReport report;
};

using Shapes = std::map<std::string, std::vector<std::int64_t>>;

/// Renames the tensors of `state` and keeps those that are wanted and of the wanted shape. Throws
/// CheckpointError when two released names mean the same native one.
ImportResult match(const StateDict& state, const NameMap& names,
                   const Shapes& wanted_native_shapes);

/// For people: the counts, then each list; `limit` names per list.
std::string text(const ImportReport& report, std::size_t limit = 20);
/// {"schema_version": 1, "matched": N, "missing": [...], "unused": [...], "ignored": [...],
/// "resized": [...], "wrong_shape": [{"name", "expected", "seen"}]}
std::string json(const ImportReport& report);

}  // namespace referent::checkpoint
