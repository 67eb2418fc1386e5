// SPDX-License-Identifier: Apache-2.0
// Holds the order of the rooms that src/README.md gives.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <string>
#include <vector>

namespace referent {
namespace {

namespace fs = std::filesystem;

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const fs::path kRoot = REFERENT_SOURCE_DIR;

std::vector<std::string> lines_of(const fs::path& file) {
  std::ifstream stream(file);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

/// Room to its number in the list.
std::map<std::string, int> room_order() {
  static const std::regex kEntry(R"(^([0-9]+)\. `([a-z_]+)`:.*)");
  std::map<std::string, int> order;
  for (const std::string& line : lines_of(kRoot / "src" / "README.md")) {
    std::smatch match;
    if (std::regex_match(line, match, kEntry)) order[match[2]] = std::stoi(match[1]);
  }
  return order;
}

/// The includes among `lines`, of a file of `room`, that go upward or to no room.
std::vector<std::string> wrong_includes(const std::map<std::string, int>& order,
                                        const std::string& room,
                                        const std::vector<std::string>& lines) {
  static const std::regex kInclude(
      R"re(^\s*#\s*include\s*["<]referent/([a-z_]+)/([^">]+)[">].*)re");
  std::vector<std::string> wrong;
  for (const std::string& line : lines) {
    std::smatch match;
    if (!std::regex_match(line, match, kInclude)) continue;
    const auto included = order.find(match[1]);
    if (included == order.end()) {
      wrong.push_back(line);
    } else if (match[2] != "config.h" && included->second > order.at(room)) {
      wrong.push_back(line);
    }
  }
  return wrong;
}

bool is_source(const fs::path& file) {
  const std::string extension = file.extension().string();
  return extension == ".h" || extension == ".cpp" || extension == ".cu" || extension == ".cuh";
}

TEST(RoomsTest, TheListNamesEveryRoomOnce) {
  const std::map<std::string, int> order = room_order();
  EXPECT_GE(order.size(), 20U);
  for (const char* tree : {"src", "include/referent"}) {
    for (const auto& entry : fs::directory_iterator(kRoot / tree)) {
      if (!entry.is_directory()) continue;
      EXPECT_TRUE(order.contains(entry.path().filename().string())) << entry.path();
    }
  }
  for (const auto& [room, number] : order) EXPECT_TRUE(fs::exists(kRoot / "src" / room)) << room;
}

TEST(RoomsTest, NoIncludeGoesUpward) {
  const std::map<std::string, int> order = room_order();
  int files = 0;
  for (const char* tree : {"src", "include/referent"}) {
    for (const auto& [room, number] : order) {
      const fs::path folder = kRoot / tree / room;
      if (!fs::exists(folder)) continue;
      for (const auto& entry : fs::recursive_directory_iterator(folder)) {
        if (!is_source(entry.path())) continue;
        ++files;
        EXPECT_THAT(wrong_includes(order, room, lines_of(entry.path())), IsEmpty()) << entry.path();
      }
    }
  }
  EXPECT_GE(files, 200);
}

TEST(RoomsTest, AnUpwardIncludeIsSeen) {
  const std::map<std::string, int> order = room_order();
  const std::vector<std::string> lines{"#include \"referent/core/error.h\"",
                                       "#include \"referent/models/config.h\"",
                                       "#include \"referent/models/state.h\"",
                                       "#include <referent/nowhere/x.h>", "#include <vector>"};
  EXPECT_THAT(wrong_includes(order, "text", lines),
              ElementsAre(HasSubstr("models/state.h"), HasSubstr("nowhere")));
  EXPECT_THAT(wrong_includes(order, "engine", lines), ElementsAre(HasSubstr("nowhere")));
}

}  // namespace
}  // namespace referent
