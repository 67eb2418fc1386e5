// SPDX-License-Identifier: Apache-2.0
// Completion as bash does it: the script is loaded, the words are set, its function is called.
#include <sstream>

#include "e2e/program.h"

namespace referent::testing {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::Not;

/// What bash offers for the last of `words`, which may be empty.
Words offers(const Words& words) {
  std::string line = "source <(\"$0\" completion bash); COMP_WORDS=(referent";
  for (const std::string& word : words) line += " '" + word + "'";
  line += "); COMP_CWORD=" + std::to_string(words.size()) +
          "; _referent; printf '%s\\n' \"${COMPREPLY[@]}\"";
  const ProcessResult result = Process("/bin/bash", {"-uc", line, program().string()}).wait();
  EXPECT_THAT(result, ExitsWith(0));
  EXPECT_THAT(result.err, IsEmpty());
  Words found;
  std::istringstream stream(result.out);
  for (std::string word; std::getline(stream, word);) {
    if (!word.empty()) found.push_back(word);
  }
  return found;
}

TEST(CompletionTest, OffersCommands) {
  EXPECT_THAT(offers({""}), IsSupersetOf({"train", "eval", "ground", "doctor", "completion"}));
  EXPECT_THAT(offers({"tra"}), ElementsAre("train"));
  EXPECT_THAT(offers({"config", "s"}), ElementsAre("show", "schema"));
  EXPECT_THAT(offers({"--json", "config", "sh"}), ElementsAre("show"));
}

TEST(CompletionTest, OffersOptionsOfTheCommandAndOfTheProgram) {
  EXPECT_THAT(offers({"train", "x.json", "--o"}), ElementsAre("--out", "--overwrite"));
  EXPECT_THAT(offers({"config", "show", "--"}),
              AllOf(Contains("--origin"), Contains("--device"), Not(Contains("--overwrite"))));
  EXPECT_THAT(offers({"--ver"}), ElementsAre("--version", "--verbose"));
  EXPECT_THAT(offers({"train", "--he"}), ElementsAre("--help"));
}

TEST(CompletionTest, OffersValuesThatAreFew) {
  EXPECT_THAT(offers({"completion", ""}), ElementsAre("bash", "zsh", "fish"));
  EXPECT_THAT(offers({"tokenizer", "train", "--type", ""}), ElementsAre("unigram", "bpe"));
  EXPECT_THAT(offers({"import", "x.pth", "--preset", "mmca"}),
              ElementsAre("mmca-r50", "mmca-r101"));
  EXPECT_THAT(offers({"export", "x", "--names", "re"}), ElementsAre("released"));
}

TEST(CompletionTest, LeavesFilesToTheShell) {
  EXPECT_THAT(offers({"train", ""}), IsEmpty());
  EXPECT_THAT(offers({"train", "x.json", "--out", ""}), IsEmpty());
}

TEST(CompletionTest, TheOtherShellsHaveTheirScripts) {
  const ProcessResult zsh = referent({"completion", "zsh"});
  EXPECT_THAT(zsh, ExitsWith(0));
  EXPECT_THAT(zsh.out, AllOf(HasSubstr("#compdef referent\n"),
                             HasSubstr("(' tokenizer train --type') compadd -- unigram bpe")));
  const ProcessResult fish = referent({"completion", "fish"});
  EXPECT_THAT(fish, ExitsWith(0));
  EXPECT_THAT(fish.out, HasSubstr("' -l type -x -a 'unigram bpe' -d "));
  EXPECT_THAT(referent({"completion", "bsh"}), Fails(2, {"shell", "Did you mean \"bash\"?"}));
}

}  // namespace
}  // namespace referent::testing
