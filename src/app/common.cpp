// SPDX-License-Identifier: Apache-2.0
#include <ATen/Parallel.h>

#include <nlohmann/json.hpp>

#include "referent/app/commands.h"
#include "referent/core/log.h"
#include "referent/core/progress.h"
#include "referent/engine/versions.h"

namespace referent::app {

void apply_common_options(const CommonOptions& common) {
  if (common.quiet) log::set_level(log::Level::kWarning);
  if (common.verbose) log::set_level(log::Level::kDebug);
  ProgressBar::set_quiet(common.quiet);
  if (common.threads > 0) at::set_num_threads(static_cast<int>(common.threads));
}

int run_version(const CommonOptions& /*common*/) {
  nlohmann::ordered_json document{{"schema_version", 1}};
  document.update(nlohmann::ordered_json::parse(engine::versions_json()));
  fmt::print("{}\n", document.dump(1));
  return 0;
}

}  // namespace referent::app
