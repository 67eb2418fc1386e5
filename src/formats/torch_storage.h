// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>

#include "pickle_graph.h"
#include "referent/formats/tensor.h"

namespace referent::formats {

/// The bytes of one storage.
struct StorageBytes {
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> owner;
};

/// A persistent id of torch.save: ("storage", class, key, location, number of elements[, view]).
/// Old files may make one storage a view (key, offset, number) of another.
struct StorageReference {
  std::string key;
  DType dtype = DType::kFloat32;
  std::uint64_t count = 0;   ///< elements
  std::uint64_t offset = 0;  ///< elements before the first, in a view
};

/// Reads the reference at the kPersistent node `id`. Throws DataError.
StorageReference parse_storage_reference(const pickle::Graph& graph, pickle::NodeId id);

/// Where the bytes of storages come from.
class StorageSource {
 public:
  StorageSource() = default;
  StorageSource(const StorageSource&) = delete;
  StorageSource& operator=(const StorageSource&) = delete;
  virtual ~StorageSource() = default;

  /// Throws DataError when there is no such storage.
  virtual StorageBytes storage(const std::string& key) = 0;
};

/// Replaces the calls of torch._utils._rebuild_* by tensors. `copy_budget` bounds the bytes that
/// strided or byte-swapped tensors may take in all. Throws DataError.
void resolve_tensors(pickle::Graph& graph, StorageSource& source, bool big_endian,
                     std::uint64_t copy_budget);

}  // namespace referent::formats
