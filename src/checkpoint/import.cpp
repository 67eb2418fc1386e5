// SPDX-License-Identifier: Apache-2.0
#include "referent/checkpoint/import.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "referent/core/error.h"

namespace referent::checkpoint {
namespace {

void append_list(std::string& result, const char* title, const std::vector<std::string>& names,
                 std::size_t limit) {
  if (names.empty()) return;
  result += fmt::format("{} ({}):\n", title, names.size());
  for (std::size_t i = 0; i < std::min(limit, names.size()); ++i) result += "  " + names[i] + "\n";
  if (names.size() > limit) result += fmt::format("  ... and {} more\n", names.size() - limit);
}

}  // namespace

ImportResult match(const StateDict& state, const NameMap& names,
                   const Shapes& wanted_native_shapes) {
  ImportResult result;
  ImportReport& report = result.report;
  std::set<std::string> seen;
  for (const auto& [released, tensor] : state.tensors) {
    if (names.ignored(released)) {
      report.ignored.push_back(released);
      continue;
    }
    const auto native = names.to_native(released);
    const auto wanted = native ? wanted_native_shapes.find(*native) : wanted_native_shapes.end();
    if (!native || wanted == wanted_native_shapes.end()) {
      report.unused.push_back(released);
      continue;
    }
    if (!seen.insert(*native).second) {
      throw CheckpointError("two tensors mean {}; the second is {}", *native, released);
    }
    if (tensor.shape == wanted->second) {
      report.matched.push_back(*native);
      result.native.emplace(*native, tensor);
    } else {
      report.wrong_shape.push_back({*native, wanted->second, tensor.shape});
    }
  }
  for (const auto& [name, shape] : wanted_native_shapes) {
    if (seen.find(name) == seen.end()) report.missing.push_back(name);
  }
  return result;
}

std::string text(const ImportReport& report, std::size_t limit) {
  std::string result = fmt::format(
      "{} matched, {} missing, {} of the wrong shape, {} unused, {} ignored by design\n",
      report.matched.size(), report.missing.size(), report.wrong_shape.size(), report.unused.size(),
      report.ignored.size());
  std::vector<std::string> shapes;
  shapes.reserve(report.wrong_shape.size());
  for (const auto& item : report.wrong_shape) {
    shapes.push_back(fmt::format("{}: expected {}, the file has {}", item.name,
                                 formats::describe_shape(item.expected),
                                 formats::describe_shape(item.seen)));
  }
  append_list(result, "missing from the file", report.missing, limit);
  append_list(result, "of the wrong shape", shapes, limit);
  append_list(result, "position tables resized to the model's", report.resized, limit);
  append_list(result, "in the file without a place in the model", report.unused, limit);
  append_list(result, "ignored by design", report.ignored, limit);
  return result;
}

std::string json(const ImportReport& report) {
  nlohmann::ordered_json document{{"schema_version", 1},
                                  {"matched", report.matched.size()},
                                  {"missing", report.missing},
                                  {"unused", report.unused},
                                  {"ignored", report.ignored},
                                  {"resized", report.resized},
                                  {"wrong_shape", nlohmann::ordered_json::array()}};
  for (const auto& item : report.wrong_shape) {
    document["wrong_shape"].push_back(
        {{"name", item.name}, {"expected", item.expected}, {"seen", item.seen}});
  }
  return document.dump(2);
}

}  // namespace referent::checkpoint
