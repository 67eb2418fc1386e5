// SPDX-License-Identifier: Apache-2.0
#include "referent/checkpoint/verify.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "referent/checkpoint/state_dict.h"
#include "referent/core/error.h"
#include "referent/formats/numbers.h"

namespace referent::checkpoint {
namespace {

using Json = nlohmann::ordered_json;

std::int64_t count_not_finite(const formats::Tensor& tensor) {
  if (!formats::is_floating(tensor.dtype)) return 0;
  return std::ranges::count_if(formats::to_doubles(tensor),
                               [](double value) { return !std::isfinite(value); });
}

bool is_readable(const Path& path) {
  std::error_code code;
  return std::filesystem::is_regular_file(path, code) && std::ifstream(path).good();
}

}  // namespace

Verification verify(const Path& path) {
  Verification result;
  result.path = path.string();
  result.readable = is_readable(path);
  try {
    const StateDict state = read_state_dict(path);
    result.kind = state.container;
    result.tensors = state.tensors.size();
    for (const auto& [name, tensor] : state.tensors) {
      if (const std::int64_t count = count_not_finite(tensor); count > 0) {
        result.faults.push_back(
            fmt::format("{}: {} of {} elements are not finite", name, count, tensor.count()));
      }
    }
  } catch (const CheckpointError& error) {
    result.faults.emplace_back(error.what());
  }
  return result;
}

std::string text(std::span<const Verification> files) {
  std::string result;
  for (const Verification& file : files) {
    result +=
        fmt::format("{}: {}\n", file.path,
                    file.sound() ? fmt::format("sound ({}, {} tensors)", file.kind, file.tensors)
                                 : "NOT SOUND");
    for (const std::string& fault : file.faults) result += fmt::format("  {}\n", fault);
  }
  return result;
}

std::string json(std::span<const Verification> files) {
  Json list = Json::array();
  for (const Verification& file : files) {
    list.push_back({{"path", file.path},
                    {"kind", file.kind.empty() ? Json() : Json(file.kind)},
                    {"tensors", file.tensors},
                    {"sound", file.sound()},
                    {"faults", file.faults}});
  }
  return Json({{"schema_version", 1}, {"files", std::move(list)}})
      .dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace referent::checkpoint
