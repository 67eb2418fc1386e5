// SPDX-License-Identifier: Apache-2.0
#include "doctor.h"

#include <fmt/ranges.h>
#include <sched.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "command_line.h"
#include "referent/core/error.h"
#include "referent/core/version.h"

namespace referent::tools {
namespace {

/// What follows "key :" in the first such line of a file of the kernel's; empty when there is none.
std::string entry_of(const app::Path& file, const std::string& key) {
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);) {
    if (!line.starts_with(key)) continue;
    const std::size_t colon = line.find(':');
    const std::size_t begin = line.find_first_not_of(" \t", std::min(colon, line.size() - 1) + 1);
    if (colon != std::string::npos && begin != std::string::npos) return line.substr(begin);
  }
  return {};
}

Finding examine_processor() {
  const std::string model = entry_of("/proc/cpuinfo", "model name");
  std::istringstream flags(entry_of("/proc/cpuinfo", "flags"));
  const std::vector<std::string> has{std::istream_iterator<std::string>(flags), {}};
  constexpr std::array kSets{"avx2",        "fma",         "avx512f",  "avx512_vnni",
                             "avx512_bf16", "avx512_fp16", "amx_bf16", "amx_int8"};
  std::vector<std::string> sets;
  std::ranges::copy_if(kSets, std::back_inserter(sets),
                       [&](const char* set) { return std::ranges::find(has, set) != has.end(); });
  Finding finding{"processor", Health::kGood, fmt::format("{} ({})", model, fmt::join(sets, " ")),
                  ""};
  if (std::ranges::find(sets, "avx2") == sets.end()) {
    finding.health = Health::kAdvice;
    finding.remedy = "without AVX2 everything takes several times as long; use another machine";
  }
  return finding;
}

/// Processors' worth of time that a control group grants; 0: no limit.
double granted_processors() {
  std::ifstream stream("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (!(stream >> quota >> period) || quota == "max" || period <= 0) return 0;
  return std::stod(quota) / period;
}

Finding examine_processors() {
  const int usable = usable_processors();
  const double granted = granted_processors();
  Finding finding{"processors", Health::kGood, fmt::format("{} usable", usable), ""};
  if (granted > 0 && granted < usable) {
    finding.health = Health::kAdvice;
    finding.value += fmt::format(", time of {:.1f} granted", granted);
    finding.remedy = fmt::format(
        "the control group grants less time than there are processors: compute with --threads {}",
        std::max(1, static_cast<int>(granted)));
  }
  return finding;
}

Finding examine_memory() {
  constexpr double kLittle = 4;
  const std::string available = entry_of("/proc/meminfo", "MemAvailable");
  const double gib = available.empty() ? 0 : std::stod(available) / (1 << 20);
  Finding finding{"memory", Health::kGood, fmt::format("{:.1f} GiB available", gib), ""};
  if (gib < kLittle) {
    finding.health = Health::kAdvice;
    finding.remedy = "large models may not fit; end other programs or lower batch and image size";
  }
  return finding;
}

Finding examine_gpus() {
  const std::vector<std::string> gpus = driver_gpus();
  return {"GPUs", Health::kGood,
          gpus.empty() ? "none that a driver knows" : fmt::format("{}", fmt::join(gpus, ", ")), ""};
}

const char* name_of(Health health) {
  switch (health) {
    case Health::kGood:
      return "ok";
    case Health::kAdvice:
      return "advice";
    case Health::kFault:
      break;
  }
  return "fault";
}

void print_json(const std::vector<Finding>& findings, std::optional<double> gemm_gflops) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const Finding& finding : findings) {
    list.push_back({{"name", finding.name},
                    {"status", name_of(finding.health)},
                    {"value", finding.value},
                    {"remedy", finding.remedy}});
  }
  const nlohmann::ordered_json document{
      {"schema_version", 1},
      {"gemm_gflops", gemm_gflops ? nlohmann::ordered_json(*gemm_gflops) : nullptr},
      {"findings", std::move(list)}};
  fmt::print("{}\n", document.dump(1, ' ', false, nlohmann::json::error_handler_t::replace));
}

}  // namespace

int usable_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  return ::sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
}

std::vector<std::string> driver_gpus() {
  std::vector<std::string> names;
  std::error_code code;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/driver/nvidia/gpus", code)) {
    const std::string model = entry_of(entry.path() / "information", "Model");
    names.push_back(model.empty() ? entry.path().filename().string() : model);
  }
  return names;
}

std::vector<Finding> examine_machine() {
  const BuildInfo& build = build_info();
  Finding program{"program", Health::kGood,
                  fmt::format("referent {} ({}, {}, {})", build.version, build.git,
                              build.build_type, build.compiler),
                  ""};
  if (std::string_view(build.build_type) != "Release") {
    program.health = Health::kAdvice;
    program.remedy = "for speed build with cmake --preset release";
  }
  return {program, examine_processor(), examine_processors(), examine_memory(), examine_gpus()};
}

int report(const std::vector<Finding>& findings, std::optional<double> gemm_gflops,
           const app::CommonOptions& common) {
  const bool fault = std::ranges::any_of(
      findings, [](const Finding& finding) { return finding.health == Health::kFault; });
  const int status = static_cast<int>(fault ? ExitStatus::kCheck : ExitStatus::kOk);
  if (common.json) {
    print_json(findings, gemm_gflops);
    return status;
  }
  for (const Finding& finding : findings) {
    if (common.quiet && finding.health == Health::kGood) continue;
    fmt::print("{:<7} {:<16} {}\n", name_of(finding.health), finding.name, finding.value);
    if (!finding.remedy.empty()) fmt::print("{:<24} -> {}\n", "", finding.remedy);
  }
  return status;
}

int report_without_library(const std::string& why, const app::CommonOptions& common) {
  std::vector<Finding> findings = examine_machine();
  findings.push_back({"libreferent.so", Health::kFault, why,
                      "run scripts/setup.sh and cmake --build build/release; an installed program "
                      "needs LibTorch where it was built with it"});
  return report(findings, std::nullopt, common);
}

void add_doctor(CLI::App& root, app::CommandLine& into) {
  add_command(root, into, "doctor",
              "look at what the program runs on, measure its matrix products, and say what to do "
              "about what is missing",
              std::make_shared<app::DoctorOptions>());
}

}  // namespace referent::tools
