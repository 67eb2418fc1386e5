// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cstdlib>
#include <string>
#include <string_view>

#include "referent/config/json.h"
#include "referent/config/reader.h"
#include "referent/config/writer.h"

namespace referent::config::detail {
namespace {

constexpr std::string_view kReference = "${";

/// Replaces ${VAR} by the environment and "$${" by "${". What is wrong goes to `fault`.
std::string expand(std::string_view text, std::string& fault) {
  std::string result;
  std::size_t begin = 0;
  while (true) {
    const std::size_t found = text.find(kReference, begin);
    if (found == std::string_view::npos) return result.append(text.substr(begin));
    const bool literal = found > begin && text[found - 1] == '$';
    result.append(text.substr(begin, found - begin));
    begin = found + kReference.size();
    if (literal) {
      result += '{';
      continue;
    }
    const std::size_t end = text.find('}', begin);
    if (end == std::string_view::npos) {
      fault = "a path in which every ${ has its }";
      return result;
    }
    const std::string name(text.substr(begin, end - begin));
    const char* value = std::getenv(name.c_str());
    if (value == nullptr || !is_utf8(value)) {
      fault = fmt::format("the environment variable {} to be set{}", name,
                          value == nullptr ? "" : " in UTF-8");
      return result;
    }
    result += value;
    begin = end + 1;
  }
}

}  // namespace

std::filesystem::path read_path(const std::string& text, const std::filesystem::path& folder,
                                std::string& fault) {
  if (text.empty()) return {};
  if (text.find('\0') != std::string::npos) {
    fault = "a path without a NUL character";
    return {};
  }
  const std::string expanded = expand(text, fault);
  if (!fault.empty()) return {};
  return std::filesystem::absolute(folder / expanded).lexically_normal();
}

std::string write_path(const std::filesystem::path& path) {
  const std::string text = path.string();
  std::string result;
  std::size_t begin = 0;
  for (std::size_t at = text.find(kReference); at != std::string::npos;
       at = text.find(kReference, begin + 1)) {
    result.append(text, begin, at - begin).push_back('$');
    begin = at;
  }
  return result.append(text, begin);
}

}  // namespace referent::config::detail
