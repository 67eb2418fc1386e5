// SPDX-License-Identifier: Apache-2.0
#include "referent/checkpoint/export.h"

#include "referent/checkpoint/name_map.h"
#include "referent/core/error.h"
#include "referent/formats/safetensors.h"

namespace referent::checkpoint {

formats::TensorMap to_released(const formats::TensorMap& native, std::string_view family) {
  const NameMap& names = name_map(family);
  formats::TensorMap released;
  for (const auto& [name, tensor] : native) {
    const auto target = names.to_released(name);
    if (!target) {
      throw CheckpointError(
          "files of the family {} have no place for {}; choose the family the model belongs to, or "
          "export with native names",
          family, name);
    }
    released.emplace(*target, tensor);
  }
  return released;
}

void write_released(const Path& path, const formats::TensorMap& native, std::string_view family) {
  // "format": "pt" is what loaders of PyTorch weights look for.
  formats::write_safetensors(path, to_released(native, family), {{"format", "pt"}});
}

}  // namespace referent::checkpoint
