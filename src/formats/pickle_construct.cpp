// SPDX-License-Identifier: Apache-2.0
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "pickle_graph.h"
#include "referent/core/error.h"

namespace referent::formats::pickle {
namespace {

/// What a call of a data constructor becomes.
enum class Form {
  kInert,      ///< an object that keeps the arguments: tensors and arrays are resolved later
  kDict,       ///< (), or (pairs) or (dictionary)
  kEmptyDict,  ///< the arguments say nothing about the content
  kSet,        ///< () or (sequence)
  kTuple,      ///< (sequence)
  kByteArray,  ///< (), (bytes) or (text, encoding)
  kEncode,     ///< (text, "latin1"): how protocol 2 writes bytes
  kInstance,   ///< (class, base class, base state)
};

/// The whole list of globals that a pickle may call, under their Python 3 names.
const std::unordered_map<std::string_view, Form>& constructors() {
  static const std::unordered_map<std::string_view, Form> constructors_by_name{
      {"collections.OrderedDict", Form::kDict},
      {"collections.defaultdict", Form::kEmptyDict},
      {"builtins.set", Form::kSet},
      {"builtins.frozenset", Form::kSet},
      {"builtins.bytearray", Form::kByteArray},
      {"builtins.complex", Form::kInert},
      {"copyreg._reconstructor", Form::kInstance},
      {"_codecs.encode", Form::kEncode},
      {"pathlib.PosixPath", Form::kInert},
      {"torch.Size", Form::kTuple},
      {"torch.device", Form::kInert},
      {"torch.serialization._get_layout", Form::kInert},
      {"torch._utils._rebuild_tensor", Form::kInert},
      {"torch._utils._rebuild_tensor_v2", Form::kInert},
      {"torch._utils._rebuild_tensor_v3", Form::kInert},
      {"torch._utils._rebuild_parameter", Form::kInert},
      {"torch._utils._rebuild_parameter_with_state", Form::kInert},
      {"torch._utils._rebuild_qtensor", Form::kInert},
      {"torch._utils._rebuild_sparse_tensor", Form::kInert},
      {"numpy.dtype", Form::kInert},
      {"numpy.ndarray", Form::kInert},
      {"numpy.core.multiarray._reconstruct", Form::kInert},
      {"numpy.core.multiarray.scalar", Form::kInert},
      {"numpy.core.numeric._frombuffer", Form::kInert},
  };
  return constructors_by_name;
}

void replace_prefix(std::string& name, std::string_view from, std::string_view to) {
  if (name.starts_with(from)) name.replace(0, from.size(), to);
}

/// The name under which Python 3 and numpy 1 know a global.
std::string modern_name(const ClassName& type) {
  std::string name = type.full();
  replace_prefix(name, "__builtin__.", "builtins.");
  replace_prefix(name, "copy_reg.", "copyreg.");
  replace_prefix(name, "numpy._core.", "numpy.core.");
  return name;
}

class Call {
 public:
  Call(Graph& graph, NodeId function, NodeId arguments)
      : graph_(graph), function_(function), arguments_(arguments) {
    if (!graph_.is(function, Kind::kClass)) {
      throw DataError("it calls a value that is not a global; refused");
    }
    if (!graph_.is(arguments, Kind::kTuple)) {
      throw DataError("the arguments of {} are not a tuple", name());
    }
  }

  NodeId build() {
    const auto found = constructors().find(modern_name(graph_.class_name(function_)));
    if (found == constructors().end()) {
      throw DataError("it calls {}, which is not one of the data constructors we read; refused",
                      name());
    }
    switch (found->second) {
      case Form::kInert:
        return object(function_);
      case Form::kDict:
        return graph_.add({Kind::kDict, false, pairs()});
      case Form::kEmptyDict:
        return graph_.add({Kind::kDict, false, Entries()});
      case Form::kSet:
        return graph_.add({Kind::kSet, false, elements()});
      case Form::kTuple:
        return graph_.add({Kind::kTuple, false, elements()});
      case Form::kByteArray:
        return graph_.add({Kind::kBytes, false, buffer()});
      case Form::kEncode:
        return graph_.add({Kind::kBytes, false, encoded()});
      case Form::kInstance:
        return instance();
    }
    throw std::logic_error("a form of constructor without its case");
  }

 private:
  const Sequence& arguments() const { return graph_.sequence(arguments_); }
  std::string name() const { return graph_.class_name(function_).full(); }

  [[noreturn]] void unexpected() const {
    throw DataError("{} is called with arguments it does not take", name());
  }

  bool is_sequence(NodeId id) const {
    return graph_.is(id, Kind::kList) || graph_.is(id, Kind::kTuple) || graph_.is(id, Kind::kSet);
  }

  NodeId object(NodeId type) {
    const NodeId none = graph_.add({});
    return graph_.add(
        {Kind::kObject, false, std::make_unique<Object>(Object{type, arguments_, none, {}, {}})});
  }

  NodeId instance() {
    if (arguments().size() != 3 || !graph_.is(arguments()[0], Kind::kClass) ||
        !graph_.is(arguments()[1], Kind::kClass)) {
      unexpected();
    }
    return object(arguments()[0]);
  }

  Sequence elements() const {
    if (arguments().empty()) return {};
    if (arguments().size() != 1 || !is_sequence(arguments()[0])) unexpected();
    const Sequence& source = graph_.sequence(arguments()[0]);
    graph_.spend(source.size() * sizeof(NodeId));
    return source;
  }

  Entries pairs() const {
    if (arguments().size() == 1 && graph_.is(arguments()[0], Kind::kDict)) {
      const auto& source = std::get<Entries>(graph_[arguments()[0]].data);
      graph_.spend(source.size() * sizeof(Entries::value_type));
      return source;
    }
    Entries entries;
    for (const NodeId pair : elements()) {
      if (!is_sequence(pair) || graph_.sequence(pair).size() != 2) unexpected();
      entries.emplace_back(graph_.sequence(pair)[0], graph_.sequence(pair)[1]);
    }
    return entries;
  }

  std::string encoded() const {
    if (arguments().size() != 2 || !graph_.is(arguments()[0], Kind::kString) ||
        !graph_.is(arguments()[1], Kind::kString)) {
      unexpected();
    }
    const std::string& encoding = graph_.text(arguments()[1]);
    if (encoding != "latin1" && encoding != "latin-1") unexpected();
    return bytes_of(graph_, arguments()[0]);
  }

  std::string buffer() const {
    if (arguments().empty()) return {};
    if (arguments().size() == 1 && graph_.is(arguments()[0], Kind::kBytes)) {
      return bytes_of(graph_, arguments()[0]);
    }
    return encoded();
  }

  Graph& graph_;
  NodeId function_;
  NodeId arguments_;
};

}  // namespace

NodeId construct(Graph& graph, NodeId function, NodeId arguments) {
  return Call(graph, function, arguments).build();
}

std::string bytes_of(Graph& graph, NodeId id) {
  const Node& node = graph[id];
  if (node.kind != Kind::kBytes && node.kind != Kind::kString) throw DataError("expected bytes");
  const std::string& text = graph.text(id);
  graph.spend(text.size());
  const bool as_is = node.kind == Kind::kBytes || node.raw_utf8;
  return as_is ? text : latin1_from_utf8(text);
}

}  // namespace referent::formats::pickle
