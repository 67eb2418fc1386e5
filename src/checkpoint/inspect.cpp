// SPDX-License-Identifier: Apache-2.0
#include "referent/checkpoint/inspect.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "referent/checkpoint/checkpoint.h"
#include "referent/checkpoint/name_map.h"
#include "referent/checkpoint/state_dict.h"
#include "referent/core/error.h"
#include "referent/formats/json.h"
#include "referent/formats/tensor.h"

namespace referent::checkpoint {
namespace {

using Json = nlohmann::ordered_json;

bool is_parameter(const std::string& name) {
  return !name.starts_with("optimizer.") && !name.starts_with("ema.");
}

void add_tensors(Inspection& result, const formats::TensorMap& tensors) {
  for (const auto& [name, tensor] : tensors) {
    const std::int64_t count = tensor.count();
    result.tensors.push_back(
        {name, std::string(formats::dtype_name(tensor.dtype)), tensor.shape, tensor.bytes.size()});
    Inspection::Group& group = result.groups[name.substr(0, name.find('.'))];
    ++group.tensors;
    group.elements += count;
    group.bytes += tensor.bytes.size();
    if (is_parameter(name)) result.parameters += count;
  }
}

/// `text` as JSON; as a string where it is not.
Json embedded(const std::string& text) {
  try {
    formats::check_json(text, "embedded text");
    return Json::parse(text);
  } catch (const DataError&) {
    return text;
  }
}

/// The values that tell configurations apart at a glance.
std::string config_summary(const std::string& text) {
  const Json config = embedded(text);
  std::string summary;
  for (const char* pointer : {"/name", "/model/type", "/model/preset", "/seed"}) {
    const Json::json_pointer position(pointer);
    if (!config.is_object() || !config.contains(position)) continue;
    summary += fmt::format("{}{} {}", summary.empty() ? "" : ", ", pointer + 1,
                           config.at(position).dump());
  }
  return summary.empty() ? fmt::format("{} bytes", text.size()) : summary;
}

void append_field(std::string& result, const char* title, const std::string& value) {
  if (!value.empty()) result += fmt::format("{:<12} {}\n", title, value);
}

}  // namespace

Inspection inspect(const Path& path) {
  Inspection result;
  result.path = path.string();
  if (is_checkpoint(path)) {
    Checkpoint checkpoint = read_checkpoint(path, Verify::kHeader);
    result.kind = "native checkpoint";
    add_tensors(result, checkpoint.tensors);
    result.config = std::move(checkpoint.config);
    result.versions = std::move(checkpoint.versions);
    result.git = std::move(checkpoint.git);
    result.metrics = std::move(checkpoint.metrics);
    result.training = std::move(checkpoint.training);
  } else {
    const StateDict state = read_state_dict(path);
    result.kind = state.container;
    result.family = detect_family(state);
    result.epoch = state.epoch;
    result.val_accu = state.val_accu;
    add_tensors(result, state.tensors);
  }
  std::error_code code;
  result.file_bytes = std::filesystem::file_size(path, code);
  if (code) throw CheckpointError("cannot read {}: {}", path.string(), code.message());
  return result;
}

std::string text(const Inspection& inspection, bool list_tensors) {
  std::string result;
  append_field(result, "file", inspection.path);
  append_field(result, "kind", inspection.kind);
  append_field(result, "family", inspection.family);
  append_field(result, "size", fmt::format("{} bytes", inspection.file_bytes));
  append_field(result, "tensors",
               fmt::format("{}, {} parameters", inspection.tensors.size(), inspection.parameters));
  for (const auto& [name, group] : inspection.groups) {
    result += fmt::format("  {:<24} {:>6} tensors {:>12} elements {:>13} bytes\n", name,
                          group.tensors, group.elements, group.bytes);
  }
  if (!inspection.config.empty()) {
    append_field(result, "config", config_summary(inspection.config));
  }
  append_field(result, "git", inspection.git);
  append_field(result, "versions", inspection.versions);
  append_field(result, "metrics", inspection.metrics);
  append_field(result, "training", inspection.training);
  if (inspection.epoch) append_field(result, "epoch", std::to_string(*inspection.epoch));
  if (inspection.val_accu)
    append_field(result, "val_accu", fmt::format("{}", *inspection.val_accu));
  if (!list_tensors) return result;
  for (const auto& tensor : inspection.tensors) {
    result += fmt::format("{:<80} {:<5} {}\n", tensor.name, tensor.dtype,
                          formats::describe_shape(tensor.shape));
  }
  return result;
}

std::string json(const Inspection& inspection) {
  Json document{{"schema_version", 1},
                {"path", inspection.path},
                {"kind", inspection.kind},
                {"family", inspection.family.empty() ? Json() : Json(inspection.family)},
                {"file_bytes", inspection.file_bytes},
                {"parameters", inspection.parameters},
                {"groups", Json::object()},
                {"tensors", Json::array()}};
  for (const auto& [name, group] : inspection.groups) {
    document["groups"][name] = {
        {"tensors", group.tensors}, {"elements", group.elements}, {"bytes", group.bytes}};
  }
  for (const auto& tensor : inspection.tensors) {
    document["tensors"].push_back(
        {{"name", tensor.name}, {"dtype", tensor.dtype}, {"shape", tensor.shape}});
  }
  const std::pair<const char*, const std::string*> texts[] = {{"config", &inspection.config},
                                                              {"versions", &inspection.versions},
                                                              {"metrics", &inspection.metrics},
                                                              {"training", &inspection.training}};
  for (const auto& [key, value] : texts) {
    if (!value->empty()) document[key] = embedded(*value);
  }
  if (!inspection.git.empty()) document["git"] = inspection.git;
  if (inspection.epoch) document["epoch"] = *inspection.epoch;
  if (inspection.val_accu) document["val_accu"] = *inspection.val_accu;
  return document.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace referent::checkpoint
