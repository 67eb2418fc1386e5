// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "referent/core/file.h"

namespace referent::checkpoint {

/// What a file of weights holds, read without building a model.
struct Inspection {
  struct TensorInfo {
    std::string name;
    std::string dtype;  ///< safetensors' name: "F32"
    std::vector<std::int64_t> shape;
    std::uint64_t bytes = 0;
  };
  struct Group {
    std::uint64_t tensors = 0;
    std::int64_t elements = 0;
    std::uint64_t bytes = 0;
  };

  std::string path;
  std::string kind;    ///< "native checkpoint", "safetensors", "torch zip", ...
  std::string family;  ///< of released names; empty when native or unknown
  std::uint64_t file_bytes = 0;
  std::vector<TensorInfo> tensors;
  std::map<std::string, Group> groups;  ///< by the first part of the name
  std::int64_t parameters = 0;          ///< elements, without optimiser state and averages
  std::string config;                   ///< the texts of a native checkpoint
  std::string versions;
  std::string git;
  std::string metrics;
  std::string training;
  std::optional<std::int64_t> epoch;  ///< of a released training checkpoint
  std::optional<double> val_accu;
};

/// Reads a native checkpoint, a safetensors file or what torch.save wrote. Of a native one the hash
/// of the header is checked, the tensors' are not (see read_checkpoint). Throws CheckpointError.
Inspection inspect(const Path& path);

/// For people: a summary, then a line for every tensor when `list_tensors`.
std::string text(const Inspection& inspection, bool list_tensors = true);
/// {"schema_version": 1, "path", "kind", "family", "file_bytes", "parameters", "groups",
/// "tensors": [{"name", "dtype", "shape"}], and "config", "versions", "git", "metrics",
/// "training", "epoch", "val_accu" where the file has them}
std::string json(const Inspection& inspection);

}  // namespace referent::checkpoint
