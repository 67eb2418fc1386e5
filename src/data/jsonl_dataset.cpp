// SPDX-License-Identifier: Apache-2.0
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string_view>
#include <utility>

#include "json_values.h"
#include "readers.h"
#include "referent/core/error.h"
#include "referent/core/file.h"
#include "referent/formats/json.h"
#include "referent/text/utf8.h"

namespace referent::data {
namespace {

using Json = nlohmann::json;

/// 4 GiB: a hundred times the largest public set.
constexpr std::uint64_t kMaxBytes = 4ULL << 30;

std::string read_string(const Json& line, const char* key) {
  const auto found = line.find(key);
  if (found == line.end()) throw DataError("\"{}\" is missing", key);
  if (!found->is_string()) {
    throw DataError("\"{}\" should be a string, not {}", key, found->dump());
  }
  return found->get<std::string>();
}

/// Ids are strings or numbers.
std::string read_id(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number()) return value.dump();
  throw DataError("\"id\" should be a string or a number, not {}", value.dump());
}

/// Every byte that belongs to no UTF-8 sequence becomes U+FFFD, so that the rest can be read.
std::string mend_utf8(std::string_view text) {
  std::string mended;
  while (const auto wrong = text::find_invalid_utf8(text)) {
    mended += text.substr(0, *wrong);
    mended += "\xEF\xBF\xBD";
    text.remove_prefix(*wrong + 1);
  }
  return mended += text;
}

/// Python writes NaN and Infinity where JSON has no number: outside strings they become null.
std::string mend_numbers(std::string_view text) {
  std::string mended;
  bool quoted = false;
  while (!text.empty()) {
    if (!quoted) {
      bool replaced = false;
      for (const std::string_view word : {"NaN", "-Infinity", "Infinity"}) {
        if (!text.starts_with(word)) continue;
        mended += "null";
        text.remove_prefix(word.size());
        replaced = true;
        break;
      }
      if (replaced) continue;
    }
    if (quoted && text.front() == '\\' && text.size() > 1) {
      mended += text.front();
      text.remove_prefix(1);
    } else if (text.front() == '"') {
      quoted = !quoted;
    }
    mended += text.front();
    text.remove_prefix(1);
  }
  return mended;
}

Json parse_line(std::string_view text) {
  const bool has_words =
      text.find("NaN") != std::string_view::npos || text.find("Infinity") != std::string_view::npos;
  const std::string mended = has_words ? mend_numbers(text) : std::string(text);
  formats::check_json(mended, "the line");
  Json line = Json::parse(mended);
  if (!line.is_object()) throw DataError("a line should be a JSON object");
  return line;
}

/// Keys that an entry has a place for.
const std::set<std::string>& known_keys() {
  static const std::set<std::string> keys{
      "id",       "image", "expression", "box",    "box_xywh", "mask",
      "split",    "raw",   "ann_id",     "ref_id", "image_id", "category_id",
      "category", "width", "height",     "area",   "iscrowd"};
  return keys;
}

void read_fields(const Json& line, Masks masks, Entry& entry) {
  entry.has_id = line.contains("id");
  if (entry.has_id) entry.id = read_id(line["id"]);
  entry.image = read_string(line, "image");
  if (entry.image.empty()) throw DataError("\"image\" is empty");
  entry.expression = read_string(line, "expression");
  entry.raw = optional_text(line, "raw");
  entry.box = read_box(line, line.contains("box") ? "box" : "box_xywh");
  entry.referent = std::make_shared<const Referent>(read_referent(line, masks));
}

/// One line after another, empty ones left out.
class LineReader {
 public:
  explicit LineReader(std::string_view text) : rest_(text) {}

  bool next() {
    while (!rest_.empty()) {
      const std::size_t end = rest_.find('\n');
      line_ = rest_.substr(0, end);
      rest_ = end == std::string_view::npos ? std::string_view() : rest_.substr(end + 1);
      ++number_;
      if (line_.find_first_not_of(" \t\r") != std::string_view::npos) return true;
    }
    return false;
  }
  std::string_view line() const { return line_; }
  std::int64_t number() const { return number_; }  ///< from 0

 private:
  std::string_view rest_;
  std::string_view line_;
  std::int64_t number_ = -1;
};

/// Fills everything but what names the entry.
void read_entry(std::string_view text, Masks masks, Entry& entry, Annotations& into) {
  entry.valid_utf8 = !text::find_invalid_utf8(text);
  const Json line = entry.valid_utf8 ? parse_line(text) : parse_line(mend_utf8(text));
  if (line.contains("split")) entry.split = read_string(line, "split");
  read_fields(line, masks, entry);
  for (const auto& [key, value] : line.items()) {
    if (!known_keys().contains(key)) ++into.passed_over["other keys"];
  }
}

}  // namespace

Annotations read_jsonl(const DatasetConfig& config, Masks masks) {
  const std::string content = read_text_file(config.path, kMaxBytes);
  Annotations result;
  result.name = config.path.stem().string();
  result.file = config.path;
  result.folder = config.path.parent_path();
  std::set<std::string> splits;
  for (LineReader lines(content); lines.next();) {
    Entry entry;
    entry.id = std::to_string(lines.number());
    // Lines are counted from 1 in messages, as editors do.
    entry.where = fmt::format(":{}", lines.number() + 1);
    entry.referent = std::make_shared<const Referent>();
    try {
      read_entry(lines.line(), masks, entry, result);
    } catch (const DataError& error) {
      entry.fault = error.what();
    }
    // A line that cannot be read may not say its split.
    const bool says_split = entry.fault.empty() || !entry.split.empty();
    if (!config.split.empty() && entry.split != config.split && says_split) {
      splits.insert(entry.split.empty() ? "(none)" : entry.split);
      continue;
    }
    result.entries.push_back(std::move(entry));
  }
  if (result.entries.empty() && !splits.empty()) {
    throw DataError("{}: no line is of the split \"{}\"; there are {}", config.path.string(),
                    config.split, fmt::join(splits, ", "));
  }
  return result;
}

}  // namespace referent::data
