// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>

#include "referent/core/file.h"
#include "referent/metrics/box.h"
#include "support/test_data.h"

namespace referent::testing {

/// The released evaluation's box pairs and batches; null where the goldens are absent.
inline nlohmann::json metrics_golden() {
  const std::filesystem::path file = goldens() / "mmca" / "metrics.json";
  if (!std::filesystem::exists(file)) return nullptr;
  return nlohmann::json::parse(read_text_file(file));
}

inline metrics::CenterBox center_box(const nlohmann::json& values) {
  return {values[0], values[1], values[2], values[3]};
}

inline metrics::CornerBox corner_box(const nlohmann::json& values) {
  return {values[0], values[1], values[2], values[3]};
}

}  // namespace referent::testing
