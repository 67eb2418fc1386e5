// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "referent/core/file.h"
#include "referent/formats/pickle.h"

namespace referent::formats {

/// How a file holds tensors, told by its first bytes whatever its name.
enum class Container { kSafetensors, kTorchZip, kTorchLegacy, kPickle };

/// "safetensors", "torch zip", "torch legacy", "pickle".
std::string_view container_name(Container container);

/// Throws DataError for files that are none of them, saying what they look like instead.
Container detect_container(std::span<const std::byte> bytes, const std::string& where);

/// Reads what Python's torch.save wrote, in the zip form or the older stream, or a plain pickle.
/// Tensors are leaves of kind kTensor, row-major; where the file holds them so they view the
/// memory-mapped file and share its ownership. Nothing in the file is run (referent/formats/
/// pickle.h). Throws DataError, naming the file and the cause; complex, quantised and sparse
/// tensors are refused.
pickle::Value read_torch_file(const Path& path);

/// The same of `bytes`, which `owner` keeps alive; `where` names them in messages.
pickle::Value read_torch_file(std::span<const std::byte> bytes,
                              const std::shared_ptr<const void>& owner, const std::string& where);

}  // namespace referent::formats
