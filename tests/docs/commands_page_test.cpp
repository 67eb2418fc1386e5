// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "docs/page.h"
#include "reference.h"

namespace referent {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(CommandsPageTest, IsWhatTheCommandLineSays) {
  testing::expect_page("commands.md", "## ", tools::reference_page(tools::command_tree()));
}

TEST(CommandsPageTest, EveryOptionHasAMeaning) {
  const std::function<void(const std::string&, const tools::Command&)> check =
      [&](const std::string& path, const tools::Command& command) {
        EXPECT_FALSE(command.description.empty()) << path;
        for (const tools::Parameter& parameter : command.parameters) {
          EXPECT_FALSE(parameter.description.empty()) << path << " " << parameter.names.front();
        }
        for (const tools::Command& nested : command.commands) {
          check(path + " " + nested.name, nested);
        }
      };
  check("referent", tools::command_tree());
}

TEST(CommandsPageTest, EveryExampleCallsItsCommand) {
  int examples = 0;
  const std::function<void(const std::string&, const tools::Command&)> check =
      [&](const std::string& path, const tools::Command& command) {
        for (const std::string& example : command.examples) {
          EXPECT_THAT(example, StartsWith(path + " "));
          ++examples;
        }
        for (const tools::Command& nested : command.commands) {
          check(path + " " + nested.name, nested);
        }
      };
  check("referent", tools::command_tree());
  EXPECT_GE(examples, 20);
}

TEST(CommandsPageTest, AChoiceIsShownAsItsValues) {
  EXPECT_THAT(tools::reference_page(tools::command_tree()),
              HasSubstr("| `--type` | `unigram`, `bpe` | unigram | "));
}

}  // namespace
}  // namespace referent
