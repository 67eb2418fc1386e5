// SPDX-License-Identifier: Apache-2.0
#include "referent/core/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "referent/core/error.h"
#include "support/temporary_folder.h"

namespace referent {
namespace {

using ::testing::EndsWith;

constexpr int kThreads = 4;
constexpr int kLines = 500;

/// Nothing on the screen, every line in a file while this lives.
class LogTest : public ::testing::Test {
 protected:
  LogTest() { log::set_level(log::Level::kOff); }
  ~LogTest() override {
    log::close_file();
    log::set_level(log::Level::kInfo);
  }

  std::filesystem::path at(const std::string& name) const { return folder_.path() / name; }

  static std::vector<std::string> lines_of(const std::filesystem::path& file) {
    std::vector<std::string> lines;
    std::ifstream stream(file);
    for (std::string line; std::getline(stream, line);) lines.push_back(line);
    return lines;
  }

  /// Every thread writes its lines while `meanwhile` runs.
  template <typename Meanwhile>
  static void write_from_threads(const Meanwhile& meanwhile) {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([thread] {
        for (int line = 0; line < kLines; ++line) log::info("thread {} line {}.", thread, line);
      });
    }
    meanwhile();
  }

 private:
  testing::TemporaryFolder folder_;
};

TEST_F(LogTest, LinesOfManyThreadsStayWholeAndInOrder) {
  log::open_file(at("log.txt"));
  write_from_threads([] {});
  log::close_file();
  const auto lines = lines_of(at("log.txt"));
  EXPECT_EQ(lines.size(), static_cast<std::size_t>(kThreads * kLines));
  std::map<std::string, int> next;
  for (const std::string& line : lines) {
    const std::string thread = line.substr(line.find("thread "), 8);
    EXPECT_THAT(line, EndsWith(thread + " line " + std::to_string(next[thread]++) + "."));
  }
  EXPECT_EQ(next.size(), static_cast<std::size_t>(kThreads));
}

TEST_F(LogTest, AFileMayBeChangedWhileThreadsWrite) {
  constexpr int kFiles = 50;
  log::open_file(at("0.txt"));
  write_from_threads([this] {
    for (int file = 1; file < kFiles; ++file) {
      log::set_level(log::Level::kOff);
      log::open_file(at(std::to_string(file) + ".txt"));
    }
  });
  log::close_file();
  log::info("in no file");
  std::size_t count = 0;
  for (int file = 0; file < kFiles; ++file) {
    for (const std::string& line : lines_of(at(std::to_string(file) + ".txt"))) {
      EXPECT_THAT(line, EndsWith("."));
      ++count;
    }
  }
  EXPECT_EQ(count, static_cast<std::size_t>(kThreads * kLines));
}

TEST_F(LogTest, AFileThatCannotBeWrittenIsAnError) {
  EXPECT_THROW(log::open_file("/proc/no/log.txt"), FileError);
}

}  // namespace
}  // namespace referent
