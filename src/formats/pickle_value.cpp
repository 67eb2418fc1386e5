// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string>

#include "pickle_graph.h"
#include "referent/core/error.h"
#include "referent/formats/pickle.h"

namespace referent::formats::pickle {
namespace {

constexpr std::size_t kMaxQuoted = 60;

[[noreturn]] void mismatch(const char* expected, const Value& value) {
  throw DataError("expected {}, found {}", expected, value.describe());
}

}  // namespace

Kind Value::kind() const {
  return (*graph_)[node_].kind;
}

bool Value::as_bool() const {
  if (!is(Kind::kBool)) mismatch("a bool", *this);
  return std::get<bool>((*graph_)[node_].data);
}

std::int64_t Value::as_int() const {
  if (!is(Kind::kInt)) mismatch("an int", *this);
  return std::get<std::int64_t>((*graph_)[node_].data);
}

double Value::as_double() const {
  if (is(Kind::kInt)) return static_cast<double>(as_int());
  if (!is(Kind::kFloat)) mismatch("a number", *this);
  return std::get<double>((*graph_)[node_].data);
}

const std::string& Value::text() const {
  const Kind found = kind();
  if (found != Kind::kString && found != Kind::kBytes && found != Kind::kBigInt) {
    mismatch("a string", *this);
  }
  return graph_->text(node_);
}

const Tensor& Value::tensor() const {
  if (!is(Kind::kTensor)) mismatch("a tensor", *this);
  return *std::get<std::unique_ptr<Tensor>>((*graph_)[node_].data);
}

std::size_t Value::size() const {
  switch (kind()) {
    case Kind::kList:
    case Kind::kTuple:
    case Kind::kSet:
      return graph_->sequence(node_).size();
    case Kind::kDict:
      return std::get<Entries>((*graph_)[node_].data).size();
    case Kind::kObject:
      return graph_->object(node_).items.size();
    default:
      mismatch("a list or dictionary", *this);
  }
}

Value Value::at(std::size_t index) const {
  const Kind found = kind();
  const bool object = found == Kind::kObject;
  if (!object && found != Kind::kList && found != Kind::kTuple && found != Kind::kSet) {
    mismatch("a list or tuple", *this);
  }
  const Sequence& items = object ? graph_->object(node_).items : graph_->sequence(node_);
  if (index >= items.size()) {
    throw DataError("expected at least {} elements, found {}", index + 1, items.size());
  }
  return other(items[index]);
}

std::vector<std::pair<Value, Value>> Value::items() const {
  const bool object = is(Kind::kObject);
  if (!object && !is(Kind::kDict)) mismatch("a dictionary", *this);
  const Entries& entries =
      object ? graph_->object(node_).entries : std::get<Entries>((*graph_)[node_].data);
  std::vector<std::pair<Value, Value>> result;
  result.reserve(entries.size());
  for (const auto& [key, value] : entries) result.emplace_back(other(key), other(value));
  return result;
}

std::optional<Value> Value::find(std::string_view key) const {
  const NodeId dictionary = is(Kind::kObject) ? graph_->object(node_).state : node_;
  if (!graph_->is(dictionary, Kind::kDict)) {
    if (is(Kind::kObject)) return std::nullopt;
    mismatch("a dictionary", *this);
  }
  const Entries& entries = std::get<Entries>((*graph_)[dictionary].data);
  // As in Python, the last of several equal keys counts.
  const auto found = std::find_if(entries.rbegin(), entries.rend(), [&](const auto& entry) {
    return graph_->is(entry.first, Kind::kString) && graph_->text(entry.first) == key;
  });
  return found == entries.rend() ? std::nullopt : std::optional(other(found->second));
}

const std::string& Value::module() const {
  if (is(Kind::kObject)) return graph_->class_name(graph_->object(node_).type).module;
  if (!is(Kind::kClass)) mismatch("a class or object", *this);
  return graph_->class_name(node_).module;
}

const std::string& Value::name() const {
  if (is(Kind::kObject)) return graph_->class_name(graph_->object(node_).type).name;
  if (!is(Kind::kClass)) mismatch("a class or object", *this);
  return graph_->class_name(node_).name;
}

Value Value::arguments() const {
  if (!is(Kind::kObject)) mismatch("an object", *this);
  return other(graph_->object(node_).arguments);
}

Value Value::state() const {
  if (!is(Kind::kObject)) mismatch("an object", *this);
  return other(graph_->object(node_).state);
}

std::string Value::describe() const {
  switch (kind()) {
    case Kind::kNone:
      return "None";
    case Kind::kBool:
      return as_bool() ? "True" : "False";
    case Kind::kInt:
      return fmt::format("the int {}", as_int());
    case Kind::kBigInt:
      return "a large int";
    case Kind::kFloat:
      return fmt::format("the float {}", as_double());
    case Kind::kBytes:
      return fmt::format("{} bytes", text().size());
    case Kind::kString:
      if (text().size() > kMaxQuoted) return fmt::format("a string of {} bytes", text().size());
      return fmt::format("the string '{}'", text());
    case Kind::kList:
      return fmt::format("a list of {}", size());
    case Kind::kTuple:
      return fmt::format("a tuple of {}", size());
    case Kind::kSet:
      return fmt::format("a set of {}", size());
    case Kind::kDict:
      return fmt::format("a dictionary of {}", size());
    case Kind::kClass:
      return fmt::format("the class {}.{}", module(), name());
    case Kind::kObject:
      return fmt::format("an object of {}.{}", module(), name());
    case Kind::kPersistent:
      return "a reference to a storage";
    case Kind::kTensor:
      return "the tensor " + formats::describe(tensor());
  }
  throw std::logic_error("a kind of value without its case");
}

Value read(std::span<const std::byte> bytes, const std::string& where) {
  const Parsed parsed = parse(bytes, where);
  if (parsed.consumed != bytes.size()) {
    throw DataError("{}: {} bytes follow the pickle", where, bytes.size() - parsed.consumed);
  }
  try {
    resolve_numpy(*parsed.graph);
  } catch (const DataError& error) {
    throw DataError("{}: {}", where, error.what());
  }
  return {parsed.graph, parsed.root};
}

}  // namespace referent::formats::pickle
