// SPDX-License-Identifier: Apache-2.0
#include "referent/checkpoint/state_dict.h"

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>

#include "referent/checkpoint/checkpoint.h"
#include "referent/core/error.h"
#include "referent/formats/safetensors.h"
#include "referent/formats/torch_file.h"

namespace referent::checkpoint {
namespace {

using formats::TensorMap;
using formats::pickle::Kind;
using formats::pickle::Value;

constexpr std::string_view kParallelPrefix = "module.";

/// The dictionary that holds the tensors.
Value find_tensors(const Value& root) {
  for (const char* key : {"model", "state_dict"}) {
    const auto found = root.find(key);
    if (!found) continue;
    if (found->is(Kind::kDict)) return *found;
    if (found->is(Kind::kObject)) {
      throw DataError("\"{}\" is {}, a whole pickled module; expected its state dict", key,
                      found->describe());
    }
  }
  return root;
}

TensorMap collect(const Value& dictionary) {
  TensorMap tensors;
  for (const auto& [key, value] : dictionary.items()) {
    if (key.is(Kind::kString) && value.is(Kind::kTensor)) {
      tensors.insert_or_assign(key.text(), value.tensor());
    }
  }
  return tensors;
}

/// Training on several devices puts "module." before every name.
void strip_parallel_prefix(TensorMap& tensors) {
  const bool shared = std::all_of(tensors.begin(), tensors.end(), [](const auto& item) {
    return item.first.starts_with(kParallelPrefix);
  });
  if (!shared) return;
  TensorMap stripped;
  for (auto& [name, tensor] : tensors) {
    stripped.emplace(name.substr(kParallelPrefix.size()), std::move(tensor));
  }
  tensors = std::move(stripped);
}

StateDict from_pickle(const Value& root) {
  StateDict result;
  if (!root.is(Kind::kDict)) {
    throw DataError("expected a dictionary of tensors, found {}", root.describe());
  }
  result.tensors = collect(find_tensors(root));
  if (const auto epoch = root.find("epoch"); epoch && epoch->is(Kind::kInt)) {
    result.epoch = epoch->as_int();
  }
  if (const auto accuracy = root.find("val_accu");
      accuracy && (accuracy->is(Kind::kFloat) || accuracy->is(Kind::kInt))) {
    result.val_accu = accuracy->as_double();
  } else if (accuracy && accuracy->is(Kind::kTensor) && accuracy->tensor().count() == 1 &&
             accuracy->tensor().dtype == formats::DType::kFloat32) {
    result.val_accu = accuracy->tensor().values<float>()[0];
  }
  return result;
}

StateDict read(const Path& path) {
  if (is_checkpoint(path)) {
    StateDict result;
    result.tensors = read_checkpoint(path, Verify::kAll).tensors;
    result.container = "native checkpoint";
    return result;
  }
  const auto file = std::make_shared<const MappedFile>(path);
  const auto container = formats::detect_container(file->bytes(), path.string());
  StateDict result;
  if (container == formats::Container::kSafetensors) {
    auto content = formats::read_safetensors(file->bytes(), file, path.string());
    result.tensors = std::move(content.tensors);
    result.metadata = std::move(content.metadata);
  } else {
    const Value root = formats::read_torch_file(file->bytes(), file, path.string());
    try {
      result = from_pickle(root);
    } catch (const DataError& error) {
      throw DataError("{}: {}", path.string(), error.what());
    }
  }
  result.container = formats::container_name(container);
  strip_parallel_prefix(result.tensors);
  return result;
}

}  // namespace

StateDict read_state_dict(const Path& path) {
  StateDict result;
  try {
    result = read(path);
  } catch (const DataError& error) {
    throw CheckpointError("{}", error.what());
  }
  if (result.tensors.empty()) {
    throw CheckpointError("{}: it holds no tensors under \"model\", \"state_dict\" or at the top",
                          path.string());
  }
  return result;
}

}  // namespace referent::checkpoint
