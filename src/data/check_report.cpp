// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "referent/data/check.h"
#include "table.h"

namespace referent::data {
namespace {

using Json = nlohmann::ordered_json;

std::string_view name_of(FindingKind kind) {
  for (const auto& [candidate, name] : config::EnumNames<FindingKind>::kNames) {
    if (candidate == kind) return name;
  }
  return "unknown";
}

std::string known(std::int64_t number) {
  return number > 0 ? grouped(number) : "-";
}

std::vector<std::string> split_row(const CheckedSplit& split) {
  const Counts published = split.published.value_or(Counts{});
  return {split.dataset,
          split.split.empty() ? "-" : split.split,
          split.training ? "train" : "eval",
          grouped(split.counts.expressions),
          known(published.expressions),
          grouped(split.counts.images),
          known(published.images),
          grouped(split.counts.referents),
          known(published.referents)};
}

std::vector<std::string> finding_row(const Finding& finding) {
  return {finding.is_fault ? "fault" : "note", std::string(name_of(finding.kind)), finding.dataset,
          finding.split.empty() ? "-" : finding.split, grouped(finding.count)};
}

/// What a terminal would obey becomes visible.
std::string printable(std::string_view text) {
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F) {
      result += fmt::format("\\x{:02x}", byte);
    } else {
      result += c;
    }
  }
  return result;
}

Json counts_json(const Counts& counts) {
  const auto number = [](std::int64_t count) { return count > 0 ? Json(count) : Json(nullptr); };
  return {{"expressions", number(counts.expressions)},
          {"images", number(counts.images)},
          {"referents", number(counts.referents)}};
}

std::string verdict(const CheckReport& report) {
  std::int64_t expressions = 0;
  for (const CheckedSplit& split : report.splits) expressions += split.counts.expressions;
  const std::string seen =
      fmt::format("{} splits, {} expressions, {} pictures decoded", report.splits.size(),
                  grouped(expressions), grouped(report.pictures));
  if (report.faults() == 0 && report.unreadable.empty()) return "sound: " + seen;
  std::string text = fmt::format("faults: {} in {}", grouped(report.faults()), seen);
  if (!report.unreadable.empty()) {
    text += fmt::format("; {} data sets cannot be read", report.unreadable.size());
  }
  return text;
}

}  // namespace

std::string report_table(const CheckReport& report) {
  std::vector<std::vector<std::string>> rows{{"data set", "split", "for", "expressions",
                                              "published", "images", "published", "referents",
                                              "published"}};
  for (const CheckedSplit& split : report.splits) rows.push_back(split_row(split));
  std::string text;
  if (!report.splits.empty()) text += format_table(rows, 3) + "\n";
  for (const Finding& finding : report.findings) {
    text += fmt::format("{}\n", fmt::join(finding_row(finding), "  "));
    for (const std::string& example : finding.examples)
      text += fmt::format("    {}\n", printable(example));
    const auto rest = finding.count - static_cast<std::int64_t>(finding.examples.size());
    if (rest > 0) text += fmt::format("    and {} more\n", grouped(rest));
  }
  if (!report.findings.empty()) text += '\n';
  return text + verdict(report) + "\n";
}

std::string report_json(const CheckReport& report) {
  Json splits = Json::array();
  for (const CheckedSplit& split : report.splits) {
    Json row{{"dataset", split.dataset},      {"split", split.split},
             {"training", split.training},    {"expressions", split.counts.expressions},
             {"images", split.counts.images}, {"referents", split.counts.referents},
             {"published", nullptr}};
    if (split.published) row["published"] = counts_json(*split.published);
    splits.push_back(std::move(row));
  }
  Json findings = Json::array();
  for (const Finding& finding : report.findings) {
    findings.push_back({{"kind", name_of(finding.kind)},
                        {"dataset", finding.dataset},
                        {"split", finding.split},
                        {"fault", finding.is_fault},
                        {"count", finding.count},
                        {"examples", finding.examples}});
  }
  Json errors = Json::array();
  for (const auto& [dataset, message] : report.unreadable) {
    errors.push_back({{"dataset", dataset}, {"message", message}});
  }
  const Json document{
      {"schema_version", 1},         {"sound", report.faults() == 0 && report.unreadable.empty()},
      {"faults", report.faults()},   {"pictures", report.pictures},
      {"splits", std::move(splits)}, {"findings", std::move(findings)},
      {"errors", std::move(errors)}};
  return document.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace referent::data
