// SPDX-License-Identifier: Apache-2.0
#include "referent/engine/evaluation_report.h"

#include <nlohmann/json.hpp>

#include "referent/engine/breakdown.h"
#include "referent/engine/intervals.h"

namespace referent::engine {
namespace {

using Json = nlohmann::ordered_json;

Json interval_json(const metrics::Interval& interval) {
  return {interval.low, interval.high};
}

Json intervals_json(const Evaluation& evaluation) {
  Json json{{"level", 0.95}};
  for (const auto& [name, interval] : intervals(evaluation)) json[name] = interval_json(interval);
  return json;
}

Json breakdown_json(const Evaluation& evaluation) {
  Json json = Json::object();
  for (const Breakdown& breakdown : breakdowns(evaluation)) {
    Json rows = Json::array();
    for (const BreakdownRow& row : breakdown.rows) {
      rows.push_back({{"group", row.group},
                      {"samples", row.samples},
                      {"prec@0.5", row.precision},
                      {"mean_iou", row.mean_iou}});
    }
    json[breakdown.by] = std::move(rows);
  }
  return json;
}

Json comparison_json(const Comparison& row) {
  return {{"dataset", row.dataset},
          {"split", row.split},
          {"samples", row.samples},
          {"prec@0.5",
           {{"both", row.both},
            {"only_a", row.only_a},
            {"only_b", row.only_b},
            {"a", row.precision_a},
            {"b", row.precision_b},
            {"difference", row.precision_b - row.precision_a},
            {"interval", interval_json(row.precision_difference)},
            {"p", row.precision_p}}},
          {"mean_iou",
           {{"a", row.mean_iou_a},
            {"b", row.mean_iou_b},
            {"difference", row.mean_iou_b - row.mean_iou_a},
            {"interval", interval_json(row.mean_iou_difference)},
            {"p", row.mean_iou_p}}}};
}

/// In percent.
std::string interval_text(const metrics::Interval& interval) {
  return fmt::format("{:+.2f} to {:+.2f}", 100 * interval.low, 100 * interval.high);
}

std::string intervals_table(const Evaluation& evaluation) {
  std::string table =
      fmt::format("\n{}: 95 % intervals, pictures drawn again\n", evaluation.title());
  for (const auto& [name, interval] : intervals(evaluation)) {
    table +=
        fmt::format("  {:<28} {:>6.2f} to {:.2f}\n", name, 100 * interval.low, 100 * interval.high);
  }
  return table;
}

std::string breakdown_table(const Evaluation& evaluation) {
  std::string table;
  for (const Breakdown& breakdown : breakdowns(evaluation)) {
    table += fmt::format("\n{:<46} {:>8} {:>11} {:>11}\n",
                         fmt::format("{}: {}", evaluation.title(), breakdown.title), "samples",
                         "prec@0.5", "mean_iou");
    for (const BreakdownRow& row : breakdown.rows) {
      table += fmt::format("  {:<44} {:>8} {:>11.2f} {:>11.2f}\n", row.group, row.samples,
                           100 * row.precision, 100 * row.mean_iou);
    }
  }
  return table;
}

std::string comparison_table(const Compared& compared) {
  std::string table =
      fmt::format("\nB is {}\n{}", compared.with, evaluations_table(compared.evaluations));
  for (const Comparison& row : compared.rows) {
    const std::string split = row.split.empty() || row.split == row.dataset ? "" : " " + row.split;
    table += fmt::format("\n{:<24} {:>8} {:>8} {:>8}  {:<18} {}\n", row.dataset + split, "A", "B",
                         "B - A", "95 % interval", "p");
    table += fmt::format("  {:<22} {:>8.2f} {:>8.2f} {:>+8.2f}  {:<18} {:.4f}\n", "prec@0.5",
                         100 * row.precision_a, 100 * row.precision_b,
                         100 * (row.precision_b - row.precision_a),
                         interval_text(row.precision_difference), row.precision_p);
    table += fmt::format("  {:<22} {:>8.2f} {:>8.2f} {:>+8.2f}  {:<18} {:.4f}\n", "mean_iou",
                         100 * row.mean_iou_a, 100 * row.mean_iou_b,
                         100 * (row.mean_iou_b - row.mean_iou_a),
                         interval_text(row.mean_iou_difference), row.mean_iou_p);
    table +=
        fmt::format("  of {} samples both hit {}, only A {}, only B {} (McNemar's exact test)\n",
                    row.samples, row.both, row.only_a, row.only_b);
  }
  return table;
}

}  // namespace

std::string report_json(std::span<const Evaluation> evaluations, const ReportOptions& options,
                        const Compared* compared) {
  Json document{{"schema_version", 1}, {"results", results_json(evaluations)}};
  for (std::size_t i = 0; i < evaluations.size(); ++i) {
    Json& result = document["results"][i];
    if (options.intervals) result["intervals"] = intervals_json(evaluations[i]);
    if (options.breakdown) result["breakdown"] = breakdown_json(evaluations[i]);
  }
  if (compared != nullptr) {
    Json rows = Json::array();
    for (const Comparison& row : compared->rows) rows.push_back(comparison_json(row));
    document["comparison"] = {{"with", compared->with},
                              {"with_results", results_json(compared->evaluations)},
                              {"rows", std::move(rows)}};
  }
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string report_table(std::span<const Evaluation> evaluations, const ReportOptions& options,
                         const Compared* compared) {
  std::string table = evaluations_table(evaluations);
  for (const Evaluation& evaluation : evaluations) {
    if (options.intervals) table += intervals_table(evaluation);
    if (options.breakdown) table += breakdown_table(evaluation);
  }
  if (compared != nullptr) table += comparison_table(*compared);
  return table;
}

}  // namespace referent::engine
