// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "referent/core/file.h"
#include "referent/formats/tensor.h"

namespace referent::checkpoint {

/// Two tensors of one name that are not the same.
struct TensorDifference {
  std::string name;
  formats::DType dtype_a;
  formats::DType dtype_b;
  std::vector<std::int64_t> shape_a;
  std::vector<std::int64_t> shape_b;
  std::int64_t elements = 0;  ///< that differ; 0 where the shapes do, or the types alone
  /// The largest difference of two elements; infinite where one of them is no number. Absent where
  /// the shapes differ.
  std::optional<double> largest;
};

/// What tells two files of weights apart.
struct Diff {
  std::string a;
  std::string b;
  std::int64_t same = 0;            ///< tensors with the same name, type, shape and values
  std::vector<std::string> only_a;  ///< names
  std::vector<std::string> only_b;
  std::vector<TensorDifference> different;  ///< by name

  bool equal() const { return only_a.empty() && only_b.empty() && different.empty(); }
};

/// Compares the tensors of two files of any kind that read_state_dict() reads. Elements whose
/// difference is at most `tolerance` count as equal, elements that are both no number too. Throws
/// CheckpointError.
Diff diff(const Path& a, const Path& b, double tolerance = 0);

/// For people: the counts, then each list, the largest differences first; `limit` tensors per list.
std::string text(const Diff& diff, std::size_t limit = 20);
/// {"schema_version": 1, "a", "b", "equal", "same": N, "only_a": [...], "only_b": [...],
/// "different": [{"name", "dtype_a", "dtype_b", "shape_a", "shape_b", "elements",
/// "max_difference"}]}; "max_difference" is null where the shapes differ, "inf" where an element is
/// no number.
std::string json(const Diff& diff);

}  // namespace referent::checkpoint
