// SPDX-License-Identifier: Apache-2.0
#include "torch_storage.h"

#include <array>
#include <utility>

#include "checked.h"
#include "referent/core/error.h"
#include "strided.h"

namespace referent::formats {
namespace {

using pickle::Graph;
using pickle::Kind;
using pickle::NodeId;
using pickle::Sequence;

constexpr std::size_t kMaxDimensions = 64;

DType storage_dtype(const pickle::ClassName& type) {
  static constexpr std::array<std::pair<std::string_view, DType>, 12> kStorages{
      {{"FloatStorage", DType::kFloat32},
       {"DoubleStorage", DType::kFloat64},
       {"HalfStorage", DType::kFloat16},
       {"BFloat16Storage", DType::kBFloat16},
       {"LongStorage", DType::kInt64},
       {"IntStorage", DType::kInt32},
       {"ShortStorage", DType::kInt16},
       {"CharStorage", DType::kInt8},
       {"ByteStorage", DType::kUInt8},
       {"BoolStorage", DType::kBool},
       {"UntypedStorage", DType::kUInt8},
       {"_UntypedStorage", DType::kUInt8}}};
  if (type.module == "torch" || type.module == "torch.cuda" || type.module == "torch.storage") {
    for (const auto& [name, dtype] : kStorages) {
      if (type.name == name) return dtype;
    }
  }
  throw DataError("tensors of {} are not read (complex, quantised or another type)", type.full());
}

std::int64_t integer(const Graph& graph, NodeId id, const char* what) {
  if (!graph.is(id, Kind::kInt)) throw DataError("the {} of a tensor is not an int", what);
  return std::get<std::int64_t>(graph[id].data);
}

std::uint64_t natural(const Graph& graph, NodeId id, const char* what) {
  const std::int64_t value = integer(graph, id, what);
  if (value < 0) throw DataError("the {} of a tensor is negative: {}", what, value);
  return static_cast<std::uint64_t>(value);
}

std::vector<std::int64_t> extents(const Graph& graph, NodeId id, const char* what) {
  if (!graph.is(id, Kind::kTuple) && !graph.is(id, Kind::kList)) {
    throw DataError("the {} of a tensor is not a tuple", what);
  }
  const Sequence& items = graph.sequence(id);
  if (items.size() > kMaxDimensions) throw DataError("a tensor of {} dimensions", items.size());
  std::vector<std::int64_t> result;
  for (const NodeId item : items) {
    result.push_back(static_cast<std::int64_t>(natural(graph, item, what)));
  }
  return result;
}

std::string key_text(const Graph& graph, NodeId id) {
  if (graph.is(id, Kind::kString)) return graph.text(id);
  return std::to_string(integer(graph, id, "storage key"));
}

/// Elements from the first to the last that a view touches; no value on overflow.
std::optional<std::uint64_t> reach(std::span<const std::int64_t> shape,
                                   std::span<const std::int64_t> strides) {
  std::uint64_t last = 0;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    if (shape[axis] == 0) return 0;
    const auto step = checked_multiply(static_cast<std::uint64_t>(shape[axis] - 1),
                                       static_cast<std::uint64_t>(strides[axis]));
    const auto sum = step ? checked_add(last, *step) : std::nullopt;
    if (!sum) return std::nullopt;
    last = *sum;
  }
  return checked_add(last, 1);
}

bool is_row_major(std::span<const std::int64_t> shape, std::span<const std::int64_t> strides) {
  std::int64_t expected = 1;
  for (std::size_t axis = shape.size(); axis-- > 0;) {
    if (shape[axis] == 1) continue;
    if (strides[axis] != expected) return false;
    expected *= shape[axis];
  }
  return true;
}

class Resolver {
 public:
  Resolver(Graph& graph, StorageSource& source, bool big_endian, std::uint64_t copy_budget)
      : graph_(graph), source_(source), big_endian_(big_endian), budget_(copy_budget) {}

  void run() {
    for (NodeId id = 0; id < graph_.size(); ++id) {
      if (!graph_.is(id, Kind::kObject)) continue;
      const pickle::Object& object = graph_.object(id);
      const pickle::ClassName& type = graph_.class_name(object.type);
      if (type.module == "torch._utils" && type.name.starts_with("_rebuild_")) {
        become(id, rebuild(type, graph_.sequence(object.arguments)));
      }
    }
  }

 private:
  Tensor rebuild(const pickle::ClassName& type, const Sequence& arguments) {
    if (type.name == "_rebuild_parameter" || type.name == "_rebuild_parameter_with_state") {
      // A parameter's tensor is complete before the parameter, so it is resolved by now.
      if (arguments.empty() || !graph_.is(arguments[0], Kind::kTensor)) {
        throw DataError("a parameter without its tensor");
      }
      return *std::get<std::unique_ptr<Tensor>>(graph_[arguments[0]].data);
    }
    if (type.name != "_rebuild_tensor" && type.name != "_rebuild_tensor_v2") {
      throw DataError("tensors made by {} are not read (quantised, sparse or of another type)",
                      type.full());
    }
    if (arguments.size() < 4) throw DataError("a tensor without storage, offset, size and stride");
    const StorageReference reference = parse_storage_reference(graph_, arguments[0]);
    return view(reference, natural(graph_, arguments[1], "offset"),
                extents(graph_, arguments[2], "size"), extents(graph_, arguments[3], "stride"));
  }

  Tensor view(const StorageReference& reference, std::uint64_t offset,
              std::vector<std::int64_t> shape, const std::vector<std::int64_t>& strides) {
    if (shape.size() != strides.size()) throw DataError("a tensor's size and stride differ");
    const StorageBytes& storage = load(reference.key);
    const std::size_t element = element_size(reference.dtype);
    const std::uint64_t available = storage.bytes.size() / element;
    const auto size = checked_bytes(shape, reference.dtype);
    const auto touched = reach(shape, strides);
    if (!in_range(reference.offset, reference.count, available) || !size || !touched ||
        !in_range(offset, *touched, reference.count)) {
      throw DataError("a tensor of shape {} does not lie in its storage {} of {} elements",
                      describe_shape(shape), reference.key, available);
    }
    const auto bytes = storage.bytes.subspan((reference.offset + offset) * element,
                                             static_cast<std::size_t>(*touched) * element);
    if (is_row_major(shape, strides) && !(big_endian_ && element > 1)) {
      return {reference.dtype, std::move(shape), bytes, storage.owner};
    }
    if (*size > budget_) throw DataError("its strided tensors are far larger than the file");
    budget_ -= *size;
    auto copy = gather(bytes, element, shape, strides);
    if (big_endian_) swap_bytes(copy, element);
    return make_tensor_from_bytes(reference.dtype, std::move(shape), std::move(copy));
  }

  const StorageBytes& load(const std::string& key) {
    const auto found = storages_.find(key);
    if (found != storages_.end()) return found->second;
    return storages_.emplace(key, source_.storage(key)).first->second;
  }

  void become(NodeId id, Tensor tensor) {
    graph_.replace(id, Kind::kTensor, std::make_unique<Tensor>(std::move(tensor)));
  }

  Graph& graph_;
  StorageSource& source_;
  bool big_endian_;
  std::uint64_t budget_;
  std::unordered_map<std::string, StorageBytes> storages_;
};

}  // namespace

StorageReference parse_storage_reference(const Graph& graph, NodeId id) {
  if (!graph.is(id, Kind::kPersistent)) throw DataError("a tensor without a storage");
  const NodeId tuple = graph.sequence(id)[0];
  if (!graph.is(tuple, Kind::kTuple)) throw DataError("a persistent id that is not a tuple");
  const Sequence& items = graph.sequence(tuple);
  if (items.size() < 5 || !graph.is(items[0], Kind::kString) || graph.text(items[0]) != "storage" ||
      !graph.is(items[1], Kind::kClass)) {
    throw DataError("a persistent id that is not that of a storage");
  }
  StorageReference reference;
  reference.dtype = storage_dtype(graph.class_name(items[1]));
  reference.key = key_text(graph, items[2]);
  reference.count = natural(graph, items[4], "storage size");
  if (items.size() > 5 && graph.is(items[5], Kind::kTuple)) {
    const Sequence& part = graph.sequence(items[5]);
    if (part.size() != 3) throw DataError("a storage view without key, offset and size");
    reference.offset = natural(graph, part[1], "storage offset");
    reference.count = natural(graph, part[2], "storage size");
  }
  return reference;
}

void resolve_tensors(Graph& graph, StorageSource& source, bool big_endian,
                     std::uint64_t copy_budget) {
  Resolver(graph, source, big_endian, copy_budget).run();
}

}  // namespace referent::formats
