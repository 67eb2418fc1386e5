// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace referent::engine {

/// {"referent", "git", "build_type", "compiler", "torch"}: what a checkpoint and a run were made with.
std::string versions_json();

}  // namespace referent::engine
