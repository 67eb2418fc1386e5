// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "referent/core/file.h"
#include "referent/formats/tensor.h"

namespace referent::checkpoint {

/// The named tensors of a file, whatever wrote it.
struct StateDict {
  formats::TensorMap tensors;
  /// "safetensors", "torch zip", "torch legacy", "pickle" or "native checkpoint"
  std::string container;
  std::map<std::string, std::string> metadata;  ///< of a safetensors file
  std::optional<std::int64_t> epoch;            ///< of a training checkpoint of released code
  std::optional<double> val_accu;
};

/// Reads a safetensors file or what torch.save wrote, told by content, not by name. The tensors are
/// looked for under "model", then "state_dict", then at the top; a leading "module." that all names
/// share is removed, entries that are not tensors are passed over. Nothing in the file is run. Of
/// a native checkpoint every hash is checked, and its tensors come under their native names.
/// Throws CheckpointError, naming the file and the cause.
StateDict read_state_dict(const Path& path);

}  // namespace referent::checkpoint
