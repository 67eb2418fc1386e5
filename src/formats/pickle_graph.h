// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "referent/core/error.h"
#include "referent/formats/pickle.h"

namespace referent::formats::pickle {

using NodeId = std::uint32_t;
using Sequence = std::vector<NodeId>;
using Entries = std::vector<std::pair<NodeId, NodeId>>;

struct ClassName {
  std::string module;
  std::string name;
  std::string full() const { return module + "." + name; }
};

struct Object {
  NodeId type = 0;       ///< a kClass node
  NodeId arguments = 0;  ///< a kTuple node
  NodeId state = 0;
  Sequence items;
  Entries entries;
};

struct Node {
  Kind kind = Kind::kNone;
  /// A Python 2 string whose bytes are UTF-8 and were kept as they are. (Other strings stand for
  /// bytes, where they do, by Latin-1.)
  bool raw_utf8 = false;
  /// kBytes, kString, kBigInt: text; kList, kTuple, kSet, kPersistent: Sequence.
  std::variant<std::monostate, bool, std::int64_t, double, std::string, Sequence, Entries,
               std::unique_ptr<ClassName>, std::unique_ptr<Object>, std::unique_ptr<Tensor>>
      data;
};

/// Owns all nodes of a pickle side by side, so that neither depth nor cycles matter when it goes.
class Graph {
 public:
  /// `input_size`: bytes of the pickle, which bound what may be copied within the graph.
  explicit Graph(std::size_t input_size) : copies_left_(kFreeCopies + kCopyFactor * input_size) {}

  /// Accounts for `bytes` that are copied from one node to another. A node may be copied any number
  /// of times, so that a small pickle could otherwise fill the memory. Throws DataError.
  void spend(std::uint64_t bytes) {
    if (bytes > copies_left_) throw DataError("it repeats its own data too often; refused");
    copies_left_ -= bytes;
  }

  NodeId add(Node node) {
    nodes_.push_back(std::move(node));
    return static_cast<NodeId>(nodes_.size() - 1);
  }
  /// Changes what `id` is, for all that refer to it.
  template <typename T>
  void replace(NodeId id, Kind kind, T data) {
    nodes_[id].kind = kind;
    nodes_[id].data.template emplace<T>(std::move(data));
  }
  Node& operator[](NodeId id) { return nodes_[id]; }
  const Node& operator[](NodeId id) const { return nodes_[id]; }
  std::size_t size() const { return nodes_.size(); }

  const Sequence& sequence(NodeId id) const { return std::get<Sequence>(nodes_[id].data); }
  const std::string& text(NodeId id) const { return std::get<std::string>(nodes_[id].data); }
  const ClassName& class_name(NodeId id) const {
    return *std::get<std::unique_ptr<ClassName>>(nodes_[id].data);
  }
  Object& object(NodeId id) { return *std::get<std::unique_ptr<Object>>(nodes_[id].data); }
  const Object& object(NodeId id) const {
    return *std::get<std::unique_ptr<Object>>(nodes_[id].data);
  }
  bool is(NodeId id, Kind kind) const { return nodes_[id].kind == kind; }

 private:
  static constexpr std::uint64_t kFreeCopies = 16ULL << 20U;
  static constexpr std::uint64_t kCopyFactor = 16;

  std::deque<Node> nodes_;
  std::uint64_t copies_left_;
};

struct Parsed {
  std::shared_ptr<Graph> graph;
  NodeId root = 0;
  std::size_t consumed = 0;  ///< bytes up to and including STOP
};

/// Runs the pickle at the beginning of `bytes`. Calls of PyTorch and numpy constructors are left as
/// objects. Throws DataError.
Parsed parse(std::span<const std::byte> bytes, const std::string& where);

/// Builds what a call of `function` with the tuple `arguments` stands for. Throws DataError, naming
/// the global, for all but the list of data constructors.
NodeId construct(Graph& graph, NodeId function, NodeId arguments);

/// The bytes that a node stands for where Python 2 or protocol 2 wrote them as text. Throws
/// DataError.
std::string bytes_of(Graph& graph, NodeId id);

/// Replaces numpy arrays and scalars of plain element types by tensors and numbers; others stay
/// inert objects. Throws DataError for sizes that do not fit.
void resolve_numpy(Graph& graph);

/// UTF-8 of Latin-1 `bytes`, and back; the latter throws DataError for larger code points.
std::string utf8_from_latin1(std::string_view bytes);
std::string latin1_from_utf8(std::string_view text);
bool is_utf8(std::string_view bytes);

}  // namespace referent::formats::pickle
