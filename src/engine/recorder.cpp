// SPDX-License-Identifier: Apache-2.0
#include "referent/engine/recorder.h"

#include <charconv>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>

#include "append.h"
#include "event_file.h"

namespace referent::engine {
namespace {

constexpr const char* kJsonLines = "metrics.jsonl";
constexpr const char* kCsv = "metrics.csv";
constexpr const char* kTiming = "timing.jsonl";
constexpr const char* kBadSteps = "bad_steps.jsonl";
constexpr const char* kCsvHead = "kind,step,epoch,dataset,metric,value\n";

void put_values(nlohmann::ordered_json& object, const Values& values) {
  for (const auto& [name, value] : values) object[name] = value;
}

/// A field of a CSV line, quoted where RFC 4180 asks for it.
std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

/// Where a line belongs; nothing for a line that is torn.
struct Place {
  bool evaluation = false;
  std::int64_t step = 0;
};
using ReadPlace = std::function<std::optional<Place>(std::string_view line)>;

std::optional<Place> place_in_json(std::string_view line) {
  const auto object = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object() || !object.contains("step") || !object["step"].is_number_integer()) {
    return std::nullopt;
  }
  return Place{object.value("kind", "") == "eval", object["step"].get<std::int64_t>()};
}

/// The kind and the step are the first two fields, which are never quoted.
std::optional<Place> place_in_csv(std::string_view line) {
  const std::size_t first = line.find(',');
  if (first == std::string_view::npos) return std::nullopt;
  Place place{line.substr(0, first) == "eval", 0};
  const auto [end, error] =
      std::from_chars(line.data() + first + 1, line.data() + line.size(), place.step);
  if (error != std::errc() || end == line.data() + line.size() || *end != ',') return std::nullopt;
  return place;
}

void keep_lines(const Path& path, std::string_view head, const ReadPlace& read_place,
                const std::function<bool(const Place&)>& wanted) {
  if (!std::filesystem::exists(path)) return;
  const std::string text = read_text_file(path);
  std::string kept(head);
  std::size_t begin = text.starts_with(head) ? head.size() : 0;
  for (std::size_t end = 0; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
    const std::string_view line = std::string_view(text).substr(begin, end - begin);
    const std::optional<Place> place = read_place(line);
    if (place && wanted(*place)) kept.append(line).append("\n");
  }
  write_file(path, kept);
}

}  // namespace

Recorder::Recorder(Path folder) : folder_(std::move(folder)) {}

void Recorder::record(const Record& record) const {
  nlohmann::ordered_json line = {
      {"kind", record.kind}, {"step", record.step}, {"epoch", record.epoch}};
  if (!record.dataset.empty()) line["dataset"] = record.dataset;
  put_values(line, record.values);
  append(folder_ / kJsonLines, line.dump() + "\n");

  std::string rows = std::filesystem::exists(folder_ / kCsv) ? "" : kCsvHead;
  for (const auto& [name, value] : record.values) {
    rows += fmt::format("{},{},{},{},{},{}\n", record.kind, record.step, record.epoch,
                        csv_field(record.dataset), csv_field(name), value);
  }
  append(folder_ / kCsv, rows);
  EventFile(folder_).add(record);
}

void Recorder::record_timing(std::int64_t step, const Values& values) const {
  nlohmann::ordered_json line = {{"step", step}};
  put_values(line, values);
  append(folder_ / kTiming, line.dump() + "\n");
}

void Recorder::record_bad_step(std::int64_t step, const std::vector<std::string>& ids,
                               const Values& values) const {
  nlohmann::ordered_json line = {{"step", step}, {"ids", ids}};
  // JSON has no word for what is not finite.
  for (const auto& [name, value] : values) line[name] = fmt::format("{}", value);
  append(folder_ / kBadSteps,
         line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
}

void Recorder::rewind(std::int64_t trained, std::int64_t evaluated) const {
  const auto wanted = [&](const Place& place) {
    return place.step <= (place.evaluation ? evaluated : trained);
  };
  keep_lines(folder_ / kJsonLines, "", place_in_json, wanted);
  keep_lines(folder_ / kCsv, kCsvHead, place_in_csv, wanted);
  keep_lines(folder_ / kTiming, "", place_in_json, wanted);
  keep_lines(folder_ / kBadSteps, "", place_in_json, wanted);
  EventFile(folder_).rewind(trained, evaluated);
}

}  // namespace referent::engine
