// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

#include <filesystem>
#include <functional>

namespace referent {

/// Runs `work` under LibTorch's profiler, writes its timeline to `trace` (JSON for chrome://tracing
/// and Perfetto) and logs what took longest: kernels of a GPU, operators of the CPU. Throws
/// FileError, before any work, where the file cannot be written.
void profile(torch::Device device, const std::filesystem::path& trace,
             const std::function<void()>& work);

}  // namespace referent
