// SPDX-License-Identifier: Apache-2.0
// The entry of libreferent.so: the commands that need LibTorch.
#include <ATen/Context.h>
#include <c10/util/Exception.h>
#include <malloc.h>

#include <cstdio>
#include <new>

#include "command_line.h"
#include "referent/app/commands.h"
#include "referent/core/error.h"
#include "referent/core/log.h"

namespace referent::app {
namespace {

template <typename... Functions>
struct Overloaded : Functions... {
  using Functions::operator()...;
};
template <typename... Functions>
Overloaded(Functions...) -> Overloaded<Functions...>;  // clang 14 deduces no aggregates

/// Pictures come and go by the megabyte. glibc would return each one's memory to the kernel and get
/// it back page by page, which takes as long as a third of its decoding.
void keep_freed_memory() {
  ::mallopt(M_MMAP_THRESHOLD, 8 << 20);
  ::mallopt(M_TRIM_THRESHOLD, 64 << 20);
}

int run(const CommandLine& line) {
  const CommonOptions& common = line.common;
  keep_freed_memory();
  apply_common_options(common);
  // float32 means float32 on a GPU as well; LibTorch would let cuDNN round to TF32.
  at::globalContext().setAllowTF32CuDNN(false);
  return std::visit(
      Overloaded{
          [&](const VersionOptions&) { return run_version(common); },
          [&](const TrainOptions& o) { return run_train(o, common, line.words); },
          [&](const EvalOptions& o) { return run_eval(o, common); },
          [&](const GroundOptions& o) { return run_ground(o, common); },
          [&](const ImportOptions& o) { return run_import(o, common); },
          [&](const ExportOptions& o) { return run_export(o, common); },
          [&](const SynthesizeOptions& o) { return run_synthesize(o, common); },
          [&](const DataCheckOptions& o) { return run_data_check(o, common); },
          [&](const DataConvertOptions& o) { return run_data_convert(o, common); },
          [&](const DataStatsOptions& o) { return run_data_stats(o, common); },
          [&](const ParityOptions& o) { return run_parity(o, common); },
          [&](const BenchOptions& o) { return run_bench(o, common); },
          [&](const DemoOptions& o) { return run_demo(o, common, line.words); },
          [&](const DoctorOptions& o) { return run_doctor(o, common); },
          [&](const CompletionOptions& o) { return tools::run_completion(o); },
          [&](const ReferenceOptions&) { return tools::run_reference(); },
          [&](const TrainTokenizerOptions& o) { return run_train_tokenizer(o, common); },
          [&](const InspectOptions& o) { return tools::run_inspect(o, common); },
          [&](const DiffOptions& o) { return tools::run_diff(o, common); },
          [&](const VerifyOptions& o) { return tools::run_verify(o, common); },
          [&](const ConfigOptions& o) { return tools::run_config(o, common); },
          [&](const LaunchOptions& o) { return tools::run_launch(o, common); },
      },
      line.options);
}

}  // namespace
}  // namespace referent::app

extern "C" __attribute__((visibility("default"))) int referent_main(int argc, char** argv) {
  using referent::ExitStatus;
  namespace log = referent::log;
  try {
    int status = 0;
    const auto line = referent::tools::parse_command_line(argc, argv, status);
    return line ? referent::app::run(*line) : status;
  } catch (const referent::Error& error) {
    log::error("{}", error.what());
    return static_cast<int>(error.status());
  } catch (const c10::OutOfMemoryError& error) {
    log::error("out of memory on the device; lower the batch or image size: {}",
               error.what_without_backtrace());
    return static_cast<int>(ExitStatus::kDevice);
  } catch (const std::bad_alloc&) {
    log::error("out of memory; lower the batch or image size");
    return static_cast<int>(ExitStatus::kDevice);
  } catch (const c10::Error& error) {
    // LibTorch's CPU allocator reports exhaustion so.
    const std::string message = error.what_without_backtrace();
    const bool memory = message.find("DefaultCPUAllocator") != std::string::npos;
    log::error("{}: {}", memory ? "out of memory" : "internal error", message);
    return static_cast<int>(memory ? ExitStatus::kDevice : ExitStatus::kInternal);
  } catch (const std::exception& error) {
    if (std::ferror(stdout) != 0) {
      log::error("cannot write to standard output: {}", error.what());
      return static_cast<int>(ExitStatus::kFileSystem);
    }
    log::error("internal error: {}", error.what());
    return static_cast<int>(ExitStatus::kInternal);
  }
}
