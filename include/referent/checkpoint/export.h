// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "referent/core/file.h"
#include "referent/formats/tensor.h"

namespace referent::checkpoint {

/// The tensors of a model under the names of a family of released files; bytes are not touched, so
/// an imported file comes back with the names and bytes it had (without what is ignored by design).
/// Throws ConfigError for an unknown family and CheckpointError, naming it, for a tensor that the
/// family has no place for.
formats::TensorMap to_released(const formats::TensorMap& native, std::string_view family);

/// Writes them as a safetensors file. Throws as to_released and FileError.
void write_released(const Path& path, const formats::TensorMap& native, std::string_view family);

}  // namespace referent::checkpoint
