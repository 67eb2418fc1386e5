// SPDX-License-Identifier: Apache-2.0
// The entry of libreferent_data.so: the commands that need pictures and annotations only.
// Errors are told by the program that loads it: both share libreferent_base.so.
#include "command_line.h"
#include "referent/app/commands.h"
#include "referent/core/error.h"

namespace referent::app {
namespace {

int run(const CommandLine& line) {
  if (const auto* options = std::get_if<DataCheckOptions>(&line.options)) {
    return run_data_check(*options, line.common);
  }
  if (const auto* options = std::get_if<DataConvertOptions>(&line.options)) {
    return run_data_convert(*options, line.common);
  }
  if (const auto* options = std::get_if<DataStatsOptions>(&line.options)) {
    return run_data_stats(*options, line.common);
  }
  throw ConfigError("libreferent_data.so has the commands data check, convert and stats only");
}

}  // namespace
}  // namespace referent::app

extern "C" __attribute__((visibility("default"))) int referent_main(int argc, char** argv) {
  int status = 0;
  const auto line = referent::tools::parse_command_line(argc, argv, status);
  return line ? referent::app::run(*line) : status;
}
