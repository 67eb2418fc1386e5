// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace referent::app {

/// {"version", "git", "torch", "cuda", "cudnn", "opencv", "compiler", "build_type"}; null where this
/// build has none.
nlohmann::ordered_json version_description();

/// {"device", "threads", "cpu_capability", "torch"}.
nlohmann::ordered_json machine_description(const std::string& device);

}  // namespace referent::app
