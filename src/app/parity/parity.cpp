// SPDX-License-Identifier: Apache-2.0
#include "referent/app/commands.h"

#include <fmt/core.h>

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>

#include "golden.h"
#include "referent/core/error.h"

namespace referent::app {
namespace {

using Runner = std::function<void(const GoldenCase&, CaseReport&)>;

const std::map<std::string, Runner>& runners() {
  static const std::map<std::string, Runner> table{
      {"mmca/forward", run_mmca_forward}, {"mmca/train", run_mmca_train},
      {"mmca/images", run_mmca_images},   {"mmca/transforms", run_mmca_transforms},
      {"mmca/metrics", run_mmca_metrics}, {"vglaw/forward", run_vg_law_forward},
      {"vglaw/train", run_vg_law_train},  {"vglaw/metrics", run_vg_law_metrics},
      {"vglaw/vitdet", run_vitdet_parts}, {"vglaw/data", run_vg_law_data},
  };
  return table;
}

/// Descriptions and line files under `folder`, sorted; a file stands for itself.
std::vector<std::filesystem::path> find_cases(const std::filesystem::path& folder) {
  if (std::filesystem::is_regular_file(folder)) return {folder};
  if (!std::filesystem::is_directory(folder)) {
    throw ConfigError("{} is neither a folder of goldens nor a golden case", folder.string());
  }
  std::vector<std::filesystem::path> cases;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    const std::string extension = entry.path().extension().string();
    if (entry.is_regular_file() && (extension == ".json" || extension == ".jsonl")) {
      cases.push_back(entry.path());
    }
  }
  std::sort(cases.begin(), cases.end());
  return cases;
}

CaseReport run_case(const std::filesystem::path& path, const std::string& name) {
  CaseReport report(name);
  if (path.extension() == ".jsonl") {
    if (path.filename() == "tokenizer.jsonl") {
      run_word_piece(path, report);
    } else if (path.filename() == "coco-masks.jsonl") {
      run_coco_masks(path, report);
    } else {
      report.skip("lines of an unknown kind");
    }
    return report;
  }
  const GoldenCase golden(path);
  if (golden.name() == "fill-vectors") {
    run_fill_vectors(golden, report);
    return report;
  }
  const auto runner = runners().find(golden.kind());
  if (runner == runners().end()) {
    report.skip(fmt::format("cases of kind \"{}\" are not known", golden.kind()));
  } else {
    runner->second(golden, report);
  }
  return report;
}

void print(const CaseReport& report, bool verbose) {
  if (const auto& reason = report.skip_reason()) {
    fmt::print("{}: skipped: {}\n", report.name(), *reason);
    return;
  }
  fmt::print("{}: {} ({} outputs)\n", report.name(), report.passed() ? "passed" : "FAILED",
             report.comparisons().size());
  for (const Comparison& comparison : report.comparisons()) {
    if (!verbose && comparison.passed) continue;
    fmt::print("  {:<6} {:<72} abs {:.2e} rel {:.2e}{}{}\n", comparison.passed ? "pass" : "FAIL",
               comparison.name, comparison.absolute_error, comparison.relative_error,
               comparison.note.empty() ? "" : "  ", comparison.note);
  }
}

nlohmann::ordered_json to_json(const CaseReport& report) {
  nlohmann::ordered_json outputs = nlohmann::ordered_json::array();
  for (const Comparison& c : report.comparisons()) {
    outputs.push_back({{"name", c.name},
                       {"absolute_error", c.absolute_error},
                       {"relative_error", c.relative_error},
                       {"passed", c.passed},
                       {"note", c.note}});
  }
  nlohmann::ordered_json json{{"name", report.name()},
                              {"result", report.skipped()  ? "skipped"
                                         : report.passed() ? "passed"
                                                           : "failed"},
                              {"outputs", std::move(outputs)}};
  if (const auto& reason = report.skip_reason()) json["reason"] = *reason;
  return json;
}

}  // namespace

int run_parity(const ParityOptions& options, const CommonOptions& common) {
  int passed = 0;
  int failed = 0;
  int skipped = 0;
  nlohmann::ordered_json cases = nlohmann::ordered_json::array();
  for (const std::filesystem::path& path : find_cases(options.folder)) {
    const std::string name = std::filesystem::is_directory(options.folder)
                                 ? std::filesystem::relative(path, options.folder).string()
                                 : path.filename().string();
    if (!options.only.empty() && name.find(options.only) == std::string::npos) continue;
    CaseReport report(name);
    try {
      report = run_case(path, name);
    } catch (const std::exception& failure) {
      // One broken case must not hide the others.
      report.check("run", false, failure.what());
    }
    ++(report.skipped() ? skipped : report.passed() ? passed : failed);
    if (common.json) {
      cases.push_back(to_json(report));
    } else {
      print(report, !options.failures);
    }
  }
  if (common.json) {
    const nlohmann::ordered_json document{{"schema_version", 1},
                                          {"passed", passed},
                                          {"failed", failed},
                                          {"skipped", skipped},
                                          {"cases", std::move(cases)}};
    fmt::print("{}\n", document.dump(1));
  } else {
    fmt::print("{} passed, {} failed, {} skipped\n", passed, failed, skipped);
  }
  return static_cast<int>(failed > 0 ? ExitStatus::kCheck : ExitStatus::kOk);
}

}  // namespace referent::app
