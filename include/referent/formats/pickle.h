// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "referent/formats/tensor.h"

/// A reader of Python pickles (protocols 0 to 5) in which nothing callable exists. A global is a
/// pair of names. A call (REDUCE, INST, OBJ) builds a value if it names one of a short list of data
/// constructors (ordered dictionaries, sets, numpy arrays, PyTorch tensors, ...) and is refused
/// otherwise; objects of other classes become inert nodes that hold their state.
namespace referent::formats::pickle {

enum class Kind : std::uint8_t {
  kNone,
  kBool,
  kInt,
  kBigInt,  ///< does not fit int64; text() is its decimal form
  kFloat,
  kBytes,
  kString,
  kList,
  kTuple,
  kSet,
  kDict,
  kClass,       ///< the name of a class or function, never the thing itself
  kObject,      ///< an inert instance
  kPersistent,  ///< a reference to something outside the pickle
  kTensor,      ///< a PyTorch tensor or a numpy array
};

class Graph;

/// One node of what a pickle holds. Cheap to copy; keeps the whole graph alive. Nodes may be shared
/// and may form cycles, as in Python. Accessors of the wrong kind throw DataError, which says what
/// was expected and what was found.
class Value {
 public:
  Value(std::shared_ptr<const Graph> graph, std::uint32_t node)
      : graph_(std::move(graph)), node_(node) {}

  Kind kind() const;
  bool is(Kind kind) const { return this->kind() == kind; }

  bool as_bool() const;
  std::int64_t as_int() const;
  /// A float or an int.
  double as_double() const;
  /// Of a string (UTF-8), of bytes, or the digits of a big int.
  const std::string& text() const;
  const Tensor& tensor() const;

  /// Elements of a list, tuple or set, or pairs of a dictionary; of an object, what was appended.
  std::size_t size() const;
  /// An element of a list, tuple or set.
  Value at(std::size_t index) const;
  /// The pairs of a dictionary in their order; of an object, the items that were set.
  std::vector<std::pair<Value, Value>> items() const;
  /// The value under a string key of a dictionary, or of the dictionary that is an object's state.
  std::optional<Value> find(std::string_view key) const;

  /// Of a class, or of an object's class: "argparse", "Namespace".
  const std::string& module() const;
  const std::string& name() const;
  /// Of an object: the arguments it was made with (a tuple) and its state (none when not set).
  Value arguments() const;
  Value state() const;

  /// What it is, for messages: "the string 'abc'", "a list of 3", "an object of
  /// argparse.Namespace".
  std::string describe() const;

 private:
  Value other(std::uint32_t node) const { return {graph_, node}; }

  std::shared_ptr<const Graph> graph_;
  std::uint32_t node_;
};

/// Reads one pickle that is all of `bytes`; `where` names it in messages. Numpy arrays and scalars
/// become tensors and numbers. Throws DataError.
Value read(std::span<const std::byte> bytes, const std::string& where);

}  // namespace referent::formats::pickle
