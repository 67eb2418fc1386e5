// SPDX-License-Identifier: Apache-2.0
#include "ground_list.h"

#include <algorithm>
#include <array>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "referent/core/error.h"
#include "referent/core/file.h"
#include "referent/formats/json.h"
#include "referent/formats/lines.h"
#include "referent/text/utf8.h"

namespace referent::app {
namespace {

using Json = nlohmann::json;

/// 1 GiB: ten million lines.
constexpr std::uint64_t kMaxBytes = 1ULL << 30;

bool is_blank(const std::string& expression) {
  return expression.find_first_not_of(" \t\r\n\f\v") == std::string::npos;
}

void check_expressions(const std::vector<std::string>& expressions) {
  if (expressions.empty()) throw ConfigError("ground: what should be found? Give an expression");
  for (const std::string& expression : expressions) {
    if (is_blank(expression)) throw ConfigError("ground: an expression is empty");
    if (const auto offset = text::find_invalid_utf8(expression)) {
      throw ConfigError("ground: an expression is not UTF-8: its byte {} begins no character",
                        *offset);
    }
  }
}

std::vector<Path> pictures_in(const Path& folder) {
  constexpr std::array<std::string_view, 4> kExtensions{".jpg", ".jpeg", ".png", ".webp"};
  std::vector<Path> pictures;
  std::error_code code;
  for (const auto& entry : std::filesystem::directory_iterator(folder, code)) {
    std::string extension = entry.path().extension().string();
    std::ranges::transform(extension, extension.begin(), [](unsigned char c) {
      return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    });
    if (std::ranges::find(kExtensions, extension) != kExtensions.end()) {
      pictures.push_back(entry.path());
    }
  }
  if (code) throw DataError("cannot read {}: {}", folder.string(), code.message());
  if (pictures.empty()) {
    throw DataError("{} holds no .jpg, .jpeg, .png or .webp file", folder.string());
  }
  std::ranges::sort(pictures);
  return pictures;
}

std::string read_list(const Path& list) {
  if (list != "-") return read_text_file(list, kMaxBytes);
  std::string text;
  std::array<char, 1 << 16> buffer{};
  while (std::cin.read(buffer.data(), buffer.size()) || std::cin.gcount() > 0) {
    text.append(buffer.data(), static_cast<std::size_t>(std::cin.gcount()));
    if (text.size() > kMaxBytes) {
      throw DataError("standard input: a list of more than {} bytes", kMaxBytes);
    }
  }
  return text;
}

std::string text_of(const Json& line, const char* key) {
  const auto found = line.find(key);
  if (found == line.end()) throw DataError("\"{}\" is missing", key);
  if (!found->is_string()) {
    throw DataError("\"{}\" should be a string, not {}", key, found->dump());
  }
  return found->get<std::string>();
}

/// Fills what it can of `task` before it throws.
void read_line(std::string_view text, const Path& folder, GroundTask& task) {
  formats::check_json(text, "the line");
  const Json line = Json::parse(text);
  if (!line.is_object()) throw DataError("a line should be a JSON object");
  task.image = text_of(line, "image");
  if (task.image.empty()) throw DataError("\"image\" is empty");
  if (task.image.native().find('\0') != std::string::npos) {
    throw DataError("\"image\" holds a NUL character, which no file name does");
  }
  task.expression = text_of(line, "expression");
  if (is_blank(task.expression)) throw DataError("\"expression\" is empty");
  std::error_code code;
  if (task.image.is_relative() && !std::filesystem::exists(task.image, code) &&
      std::filesystem::exists(folder / task.image, code)) {
    task.image = folder / task.image;
  }
}

}  // namespace

GroundList read_tasks(const GroundOptions& options) {
  GroundList result;
  if (options.list.empty()) {
    check_expressions(options.expressions);
    std::error_code code;
    std::vector<Path> images{options.image};
    if (std::filesystem::is_directory(options.image, code)) images = pictures_in(options.image);
    for (const Path& image : images) {
      for (const std::string& expression : options.expressions) {
        result.tasks.push_back({image, expression, std::nullopt});
      }
    }
    return result;
  }
  const Path folder = options.list == "-" ? Path() : options.list.parent_path();
  formats::for_each_line(read_list(options.list), [&](std::int64_t number, std::string_view text) {
    GroundTask task{{}, {}, number};
    try {
      read_line(text, folder, task);
      result.tasks.push_back(std::move(task));
    } catch (const DataError& error) {
      result.errors.push_back({number, task.image.string(), error.what()});
    }
  });
  if (result.tasks.empty() && result.errors.empty()) {
    throw DataError("{} holds no lines",
                    options.list == "-" ? "standard input" : options.list.string());
  }
  return result;
}

}  // namespace referent::app
