// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>

#include "checked.h"
#include "pickle_graph.h"
#include "referent/core/error.h"
#include "strided.h"

namespace referent::formats::pickle {
namespace {

constexpr std::size_t kMaxDimensions = 64;

struct NumpyType {
  DType dtype;
  bool big_endian;
};

std::optional<DType> plain_dtype(std::string_view code) {
  if (code == "b1") return DType::kBool;
  if (code == "u1") return DType::kUInt8;
  if (code == "i1") return DType::kInt8;
  if (code == "i2") return DType::kInt16;
  if (code == "i4") return DType::kInt32;
  if (code == "i8") return DType::kInt64;
  if (code == "f2") return DType::kFloat16;
  if (code == "f4") return DType::kFloat32;
  if (code == "f8") return DType::kFloat64;
  return std::nullopt;
}

class Resolver {
 public:
  explicit Resolver(Graph& graph) : graph_(graph) {}

  void run() {
    for (NodeId id = 0; id < graph_.size(); ++id) {
      if (!graph_.is(id, Kind::kObject)) continue;
      const ClassName& type = graph_.class_name(graph_.object(id).type);
      if (!type.module.starts_with("numpy")) continue;
      if (type.name == "_reconstruct") {
        resolve_array(id);
      } else if (type.name == "_frombuffer") {
        resolve_buffer(id);
      } else if (type.name == "scalar") {
        resolve_scalar(id);
      }
    }
  }

 private:
  /// dtype('<f4') is pickled as dtype('f4', ...) with the state (version, '<', ...).
  std::optional<NumpyType> element_type(NodeId id) const {
    if (!graph_.is(id, Kind::kObject)) return std::nullopt;
    const Object& object = graph_.object(id);
    const Sequence& arguments = graph_.sequence(object.arguments);
    if (graph_.class_name(object.type).full() != "numpy.dtype" || arguments.empty() ||
        !graph_.is(arguments[0], Kind::kString)) {
      return std::nullopt;
    }
    const auto dtype = plain_dtype(graph_.text(arguments[0]));
    if (!dtype) return std::nullopt;
    bool big_endian = false;
    if (graph_.is(object.state, Kind::kTuple) && graph_.sequence(object.state).size() > 1) {
      const NodeId order = graph_.sequence(object.state)[1];
      big_endian = graph_.is(order, Kind::kString) && graph_.text(order) == ">";
    }
    return NumpyType{*dtype, big_endian};
  }

  std::vector<std::int64_t> shape_of(NodeId id) const {
    if (!graph_.is(id, Kind::kTuple)) throw DataError("the shape of a numpy array is not a tuple");
    std::vector<std::int64_t> shape;
    if (graph_.sequence(id).size() > kMaxDimensions) {
      throw DataError("a numpy array of {} dimensions", graph_.sequence(id).size());
    }
    for (const NodeId extent : graph_.sequence(id)) {
      if (!graph_.is(extent, Kind::kInt)) throw DataError("a numpy extent is not an int");
      shape.push_back(std::get<std::int64_t>(graph_[extent].data));
    }
    return shape;
  }

  Tensor make_array(const NumpyType& type, std::vector<std::int64_t> shape, NodeId data,
                    bool column_major) {
    const std::string bytes = bytes_of(graph_, data);
    if (checked_bytes(shape, type.dtype) != bytes.size()) {
      throw DataError("a numpy array of shape {} has {} bytes", describe_shape(shape),
                      bytes.size());
    }
    std::vector<std::byte> copy(bytes.size());
    std::memcpy(copy.data(), bytes.data(), bytes.size());
    if (type.big_endian) swap_bytes(copy, element_size(type.dtype));
    if (!column_major) return make_tensor_from_bytes(type.dtype, std::move(shape), std::move(copy));
    std::vector<std::int64_t> strides;
    std::int64_t stride = 1;
    for (const std::int64_t extent : shape) {
      strides.push_back(stride);
      stride *= extent;
    }
    auto rows = gather(copy, element_size(type.dtype), shape, strides);
    return make_tensor_from_bytes(type.dtype, std::move(shape), std::move(rows));
  }

  void become(NodeId id, Tensor tensor) {
    graph_.replace(id, Kind::kTensor, std::make_unique<Tensor>(std::move(tensor)));
  }

  /// _reconstruct(ndarray, (0,), b'b') with the state (version, shape, dtype, is_fortran, data).
  void resolve_array(NodeId id) {
    const Object& object = graph_.object(id);
    if (!graph_.is(object.state, Kind::kTuple)) return;
    const Sequence& state = graph_.sequence(object.state);
    if (state.size() != 5) return;
    const auto type = element_type(state[2]);
    if (!type) return;
    const Node& order = graph_[state[3]];
    const bool column_major = order.kind == Kind::kBool ? std::get<bool>(order.data)
                              : order.kind == Kind::kInt
                                  ? std::get<std::int64_t>(order.data) != 0
                                  : throw DataError("a numpy array without its order");
    become(id, make_array(*type, shape_of(state[1]), state[4], column_major));
  }

  /// _frombuffer(data, dtype, shape, 'C' or 'F'): numpy's form in protocol 5.
  void resolve_buffer(NodeId id) {
    const Sequence& arguments = graph_.sequence(graph_.object(id).arguments);
    if (arguments.size() != 4) return;
    const auto type = element_type(arguments[1]);
    if (!type) return;
    const bool column_major =
        graph_.is(arguments[3], Kind::kString) && graph_.text(arguments[3]) == "F";
    become(id, make_array(*type, shape_of(arguments[2]), arguments[0], column_major));
  }

  /// scalar(dtype, data)
  void resolve_scalar(NodeId id) {
    const Sequence& arguments = graph_.sequence(graph_.object(id).arguments);
    if (arguments.size() != 2) return;
    const auto type = element_type(arguments[0]);
    if (!type) return;
    const Tensor value = make_array(*type, {}, arguments[1], false);
    switch (value.dtype) {
      case DType::kBool:
        graph_.replace(id, Kind::kBool, value.bytes[0] != std::byte{0});
        break;
      case DType::kUInt8:
        become_int<std::uint8_t>(id, value);
        break;
      case DType::kInt8:
        become_int<std::int8_t>(id, value);
        break;
      case DType::kInt16:
        become_int<std::int16_t>(id, value);
        break;
      case DType::kInt32:
        become_int<std::int32_t>(id, value);
        break;
      case DType::kInt64:
        become_int<std::int64_t>(id, value);
        break;
      case DType::kFloat32:
        become_float<float>(id, value);
        break;
      case DType::kFloat64:
        become_float<double>(id, value);
        break;
      default:
        break;
    }
  }

  template <typename T>
  void become_int(NodeId id, const Tensor& value) {
    graph_.replace(id, Kind::kInt, static_cast<std::int64_t>(value.values<T>()[0]));
  }

  template <typename T>
  void become_float(NodeId id, const Tensor& value) {
    graph_.replace(id, Kind::kFloat, static_cast<double>(value.values<T>()[0]));
  }

  Graph& graph_;
};

}  // namespace

void resolve_numpy(Graph& graph) {
  Resolver(graph).run();
}

}  // namespace referent::formats::pickle
