// SPDX-License-Identifier: Apache-2.0
#include "installed_fonts.h"

#include <ft2build.h>
#include FT_FREETYPE_H

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <mutex>
#include <string_view>
#include <system_error>
#include <vector>

namespace referent::image {
namespace {

namespace fs = std::filesystem;

std::string variable(const char* name, std::string otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : std::move(otherwise);
}

std::vector<fs::path> font_folders() {
  const std::string home = variable("HOME", "");
  std::string rest = variable("XDG_DATA_HOME", home.empty() ? "" : home + "/.local/share") + ":" +
                     variable("XDG_DATA_DIRS", "/usr/local/share:/usr/share");
  std::vector<fs::path> folders;
  for (std::string_view list = rest; !list.empty();) {
    const std::size_t end = std::min(list.find(':'), list.size());
    if (end > 0) folders.push_back(fs::path(list.substr(0, end)) / "fonts");
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return folders;
}

/// Sorted, since folders are listed in no order of their own.
std::vector<std::string> font_files(const fs::path& folder) {
  constexpr std::array<std::string_view, 3> kExtensions{".ttf", ".otf", ".ttc"};
  std::vector<std::string> files;
  std::error_code error;
  constexpr auto kOptions = fs::directory_options::skip_permission_denied;
  for (fs::recursive_directory_iterator entry(folder, kOptions, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string extension = entry->path().extension().string();
    if (std::ranges::find(kExtensions, extension) == kExtensions.end()) continue;
    files.push_back(entry->path().string());
  }
  std::ranges::sort(files);
  return files;
}

bool has_letter(FT_Library library, const std::string& file, char32_t code) {
  FT_Face face = nullptr;
  if (FT_New_Face(library, file.c_str(), 0, &face) != 0) return false;
  const bool has = FT_IS_SCALABLE(face) && FT_Get_Char_Index(face, code) != 0;
  FT_Done_Face(face);
  return has;
}

std::string find_font(char32_t code) {
  FT_Library library = nullptr;
  if (FT_Init_FreeType(&library) != 0) return "";
  std::string found;
  for (const fs::path& folder : font_folders()) {
    if (!found.empty()) break;
    const std::vector<std::string> files = font_files(folder);
    const auto file = std::ranges::find_if(
        files, [&](const std::string& name) { return has_letter(library, name, code); });
    if (file != files.end()) found = *file;
  }
  FT_Done_FreeType(library);
  return found;
}

}  // namespace

std::string installed_font_with(char32_t code) {
  static std::mutex mutex;
  static std::map<char32_t, std::string> known;
  const std::lock_guard lock(mutex);
  const auto [entry, is_new] = known.try_emplace(code);
  if (is_new) entry->second = find_font(code);
  return entry->second;
}

}  // namespace referent::image
