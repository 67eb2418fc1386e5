// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>

#include "referent/core/file.h"
#include "referent/metrics/box.h"
#include "support/test_data.h"

namespace referent::testing {

/// The released evaluation's box pairs and batches.
inline nlohmann::json metrics_golden() {
  return nlohmann::json::parse(read_text_file(goldens() / "mmca" / "metrics.json"));
}

inline metrics::CenterBox center_box(const nlohmann::json& values) {
  return {values[0], values[1], values[2], values[3]};
}

inline metrics::CornerBox corner_box(const nlohmann::json& values) {
  return {values[0], values[1], values[2], values[3]};
}

}  // namespace referent::testing
