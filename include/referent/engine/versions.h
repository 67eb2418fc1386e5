// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace referent::engine {

/// {"version", "git", "torch", "cuda", "cudnn", "opencv", "compiler", "build_type"}: what a
/// checkpoint and a run were made with; null for what this build does not have.
std::string versions_json();

}  // namespace referent::engine
