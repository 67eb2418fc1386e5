// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "referent/core/file.h"

namespace referent::checkpoint {

/// Whether a file of weights is sound.
struct Verification {
  std::string path;
  bool readable = false;  ///< a regular file that the system lets us read
  std::string kind;       ///< as StateDict::container; empty where it could not be told
  std::size_t tensors = 0;
  std::vector<std::string> faults;

  bool sound() const { return faults.empty(); }
};

/// Reads all of a native checkpoint, a safetensors file or what torch.save wrote. Faults are: a
/// file that cannot be read, is cut or is none of these; of a native one, hashes that do not fit;
/// tensors with elements that are not finite. Throws nothing for a faulty file.
Verification verify(const Path& path);

/// For people: a line a file, then its faults.
std::string text(std::span<const Verification> files);
/// {"schema_version": 1, "files": [{"path", "kind", "tensors", "sound", "faults": [...]}]}
std::string json(std::span<const Verification> files);

}  // namespace referent::checkpoint
