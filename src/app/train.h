// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "referent/app/options.h"
#include "referent/engine/config.h"

namespace referent::app {

/// run_train() with a configuration that is read already: options.config and its overrides do not
/// count.
int train(const engine::RunConfig& config, const TrainOptions& options, const CommonOptions& common,
          const std::vector<std::string>& words);

}  // namespace referent::app
