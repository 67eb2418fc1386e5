// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>

#include "referent/config/document.h"

namespace referent::engine {

/// A run's configuration file with `overrides` and its model preset, before it is read: what knows
/// where each value was written. Throws ConfigError.
config::Document load_run_document(const Path& file, std::span<const std::string> overrides = {});

}  // namespace referent::engine
