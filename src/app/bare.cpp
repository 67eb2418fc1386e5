// SPDX-License-Identifier: Apache-2.0
// Stands in for the commands of pictures in a build without them (preset gpu-bare).
#include "bench/subjects.h"
#include "referent/app/commands.h"
#include "referent/core/error.h"
#include "referent/image/library.h"

namespace referent {

std::string image::opencv_version() {
  return "none";
}

namespace app {
namespace {

[[noreturn]] int refuse(const char* command) {
  throw ConfigError("{} is not part of this build, which has no image decoders (preset gpu-bare)",
                    command);
}

}  // namespace

int run_train(const TrainOptions& /*options*/, const CommonOptions& /*common*/,
              const std::vector<std::string>& /*words*/) {
  refuse("train");
}
int run_eval(const EvalOptions& /*options*/, const CommonOptions& /*common*/) {
  refuse("eval");
}
int run_ground(const GroundOptions& /*options*/, const CommonOptions& /*common*/) {
  refuse("ground");
}
int run_import(const ImportOptions& /*options*/, const CommonOptions& /*common*/) {
  refuse("import");
}
int run_export(const ExportOptions& /*options*/, const CommonOptions& /*common*/) {
  refuse("export");
}
int run_synthesize(const SynthesizeOptions& /*options*/, const CommonOptions& /*common*/) {
  refuse("data synthesize");
}
int run_data_check(const DataCheckOptions& /*options*/, const CommonOptions& /*common*/) {
  refuse("data check");
}
int run_data_convert(const DataConvertOptions& /*options*/, const CommonOptions& /*common*/) {
  refuse("data convert");
}
int run_data_stats(const DataStatsOptions& /*options*/, const CommonOptions& /*common*/) {
  refuse("data stats");
}
int run_train_tokenizer(const TrainTokenizerOptions& /*options*/, const CommonOptions& /*common*/) {
  refuse("tokenizer train");
}
int run_parity(const ParityOptions& /*options*/, const CommonOptions& /*common*/) {
  refuse("parity");
}
std::vector<bench::Row> bench::bench_loader(const BenchOptions& /*options*/,
                                            std::int64_t /*workers*/) {
  refuse("bench loader");
}
int run_demo(const DemoOptions& /*options*/, const CommonOptions& /*common*/,
             const std::vector<std::string>& /*words*/) {
  refuse("demo");
}

}  // namespace app
}  // namespace referent
