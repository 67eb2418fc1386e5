// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "formats/fixtures.h"
#include "referent/core/error.h"
#include "referent/formats/torch_file.h"

namespace referent::formats {
namespace {

using namespace std::string_literals;
using testing::little;

enum class Outcome { kRefused, kInert, kEither };

struct Case {
  std::string name;
  std::string pickle;
  Outcome outcome;
  std::string reason;  ///< in the message, when refused
};

std::string global(const std::string& module, const std::string& name) {
  return "c"s + module + "\n" + name + "\n";
}

std::string text(const std::string& value) {
  return "X"s + little(value.size(), 4) + value;
}

/// A call of `module.name` with one string.
std::string call(const std::string& module, const std::string& name) {
  return global(module, name) + text("touch canary") + "\x85R.";
}

std::string repeat(const std::string& part, std::size_t count) {
  std::string result;
  for (std::size_t i = 0; i < count; ++i) result += part;
  return result;
}

void add_calls(std::vector<Case>& cases) {
  const std::vector<std::pair<std::string, std::string>> functions{
      {"os", "system"},
      {"posix", "system"},
      {"nt", "system"},
      {"os", "execvp"},
      {"subprocess", "Popen"},
      {"subprocess", "check_output"},
      {"builtins", "eval"},
      {"builtins", "exec"},
      {"__builtin__", "eval"},
      {"builtins", "__import__"},
      {"builtins", "getattr"},
      {"builtins", "open"},
      {"builtins", "compile"},
      {"builtins", "map"},
      {"importlib", "import_module"},
      {"runpy", "run_path"},
      {"runpy", "_run_code"},
      {"pty", "spawn"},
      {"shutil", "rmtree"},
      {"webbrowser", "open"},
      {"socket", "create_connection"},
      {"types", "FunctionType"},
      {"types", "CodeType"},
      {"pickle", "loads"},
      {"torch", "load"},
      {"torch.storage", "_load_from_bytes"},
      {"torch.hub", "load"},
      {"torch._dynamo.guards", "___"},
      {"numpy", "load"},
      {"numpy.testing._private.utils", "runstring"},
      {"operator", "attrgetter"},
      {"functools", "partial"},
      {"_codecs", "decode"},
      {"copyreg", "add_extension"},
      {"collections", "namedtuple"},
      {"builtins", "set.__class__"},
      {"utils.word_utils", "Corpus"},
  };
  for (const auto& [module, name] : functions) {
    const std::string full = module + "." + name;
    cases.push_back({"call of " + full, call(module, name), Outcome::kRefused, full});
  }
}

void add_other_ways_to_call(std::vector<Case>& cases) {
  const auto refused = [&](const std::string& name, const std::string& pickle,
                           const std::string& reason) {
    cases.push_back({name, pickle, Outcome::kRefused, reason});
  };
  refused("stack global", "\x80\x04"s + text("os") + text("system") + "\x93" + text("x") + "\x85R.",
          "os.system");
  refused("stack global of dotted name",
          "\x80\x04"s + text("os") + text("path.os.system") + "\x93" + text("x") + "\x85R.",
          "os.path.os.system");
  refused("stack global of numbers", "\x80\x04K\x01K\x02\x93.", "not a string");
  refused("stack global built from the memo",
          text("os") + "q\x01" + "0" + text("system") + "q\x02" + "0h\x01h\x02\x93" + text("x") +
              "\x85R.",
          "os.system");
  refused("inst", "(S'touch canary'\nios\nsystem\n.", "os.system");
  refused("obj", "(cos\nsystem\nS'touch canary'\no.", "os.system");
  refused("obj without class", "(o.", "without a class");
  refused("result of a call is called", "ccollections\nOrderedDict\n)R)R.", "not a global");
  refused("string is called", text("os.system") + ")R.", "not a global");
  refused("call in the arguments of a constructor",
          global("collections", "OrderedDict") + global("os", "system") + text("x") + "\x85R\x85R.",
          "os.system");
  refused(
      "call in a state",
      global("argparse", "Namespace") + ")\x81" + global("os", "system") + text("x") + "\x85Rb.",
      "os.system");
  refused("call in a persistent id", global("os", "system") + text("x") + "\x85RQ.", "os.system");
  refused("extension 1", "\x80\x02\x82\x01.", "extension registry");
  refused("extension 2", "\x80\x02\x83\x01\x00."s, "extension registry");
  refused("extension 4", "\x80\x02\x84\x01\x00\x00\x00."s, "extension registry");
  refused("out-of-band buffer", "\x80\x05\x97.", "buffer");
  refused("state on a class", "cos\nsystem\n}b.", "not an object");
  refused("state on a list", "]}b.", "not an object");
  refused("new object of a string", text("os.system") + ")\x81.", "not a class");
  refused("new object of an object", "cos\nsystem\n)\x81)\x81.", "not a class");
  refused("arguments that are no tuple", "ccollections\nOrderedDict\n]R.", "not a tuple");
  refused("constructor with wrong arguments", "ccollections\nOrderedDict\nK\x01\x85R.",
          "does not take");
  refused("reconstructor of a string",
          "ccopyreg\n_reconstructor\n" + text("os.system") + "cbuiltins\nobject\nN\x87R.",
          "does not take");
  refused("codec that is not latin1",
          global("_codecs", "encode") + text("x") + text("rot13") + "\x86R.", "does not take");
}

void add_lies(std::vector<Case>& cases) {
  const auto refused = [&](const std::string& name, const std::string& pickle,
                           const std::string& reason) {
    cases.push_back({name, pickle, Outcome::kRefused, reason});
  };
  refused("no stop", "K\x01", "");
  refused("unknown opcode", "\x80\x02\xff.", "0xff");
  refused("future protocol", "\x80\x09N.", "newer");
  refused("empty stack", "\x80\x02.", "operand");
  refused("append to nothing",
          "K\x01"
          "a.",
          "operand");
  refused("pop below the mark", "K\x01(R.", "operand");
  refused("tuple without mark", "K\x01t.", "mark");
  refused("memo that was never written", "\x80\x02h\x07.", "memo");
  refused("string of 2^63 bytes", "\x80\x04\x8d"s + little(1ULL << 63U, 8) + "x.", "cut");
  refused("string of 2^64 - 1 bytes", "\x80\x04\x8d"s + little(~0ULL, 8) + "x.", "cut");
  refused("bytes of 4 GB",
          "\x80\x03"
          "B\xff\xff\xff\xff.",
          "cut");
  refused("string of negative size", "T\xff\xff\xff\xff.", "cut");
  refused("frame of 2^63 bytes", "\x80\x04\x95"s + little(1ULL << 63U, 8) + "N.", "cut");
  refused("integer of a megabyte",
          "\x80\x02\x8b"s + little(1 << 20U, 4) + std::string(1 << 20U, '\x7f') + ".", "integer");
  refused("odd dictionary", "}(K\x01u.", "without a value");
  refused("string that is not UTF-8", "X\x02\x00\x00\x00\xc3\x28."s, "UTF-8");
  refused("name of 2,000 bytes", "cos\n"s + std::string(2000, 'a') + "\n.", "1024");
  refused("20,000 marks", repeat("(", 20000) + "t.", "marks");
  refused("list copied without end",
          "]("s + repeat("N", 200000) +
              "eq\x01"
              "0(" +
              repeat("ccollections\nOrderedDict\n)R0cbuiltins\nset\nh\x01\x85R", 3000) + "t.",
          "too often");
  // A plain pickle has no tensors, so there it stays an inert object.
  cases.push_back(
      {"tensor without a storage",
       global("torch._utils", "_rebuild_tensor_v2") + "(" + text("x") + "K\x00"s + ")))tR.",
       Outcome::kEither, "storage"});
}

void add_inert(std::vector<Case>& cases) {
  const auto inert = [&](const std::string& name, const std::string& pickle) {
    cases.push_back({name, pickle, Outcome::kInert, ""});
  };
  inert("bare global", "cos\nsystem\n.");
  inert("global as dictionary key", "}cos\nsystem\nK\x01s.");
  inert("new object of Popen", global("subprocess", "Popen") + text("touch canary") + "\x85\x81.");
  inert("new object with keywords",
        global("subprocess", "Popen") + text("touch canary") + "\x85}\x92.");
  inert("inst without arguments", "(ios\nsystem\n.");
  inert("object with __setstate__", "ca\nB\n)\x81}" + text("__setstate__") +
                                        global("os", "system") + "sb" + text("touch canary") +
                                        "b.");
  inert("object with __reduce__",
        "ca\nB\n)\x81}" + text("__reduce__") + global("os", "system") + "sb.");
  inert("factory of a defaultdict", "ccollections\ndefaultdict\ncos\nsystem\n\x85R.");
  inert("reconstructor", "ccopyreg\n_reconstructor\ncos\nsystem\ncbuiltins\nobject\nN\x87R.");
  inert("numpy array of a foreign type", global("numpy.core.multiarray", "_reconstruct") +
                                             global("os", "system") +
                                             "K\x00\x85"
                                             "C\x01"
                                             "b\x87R."s);
  inert("appends to an inert object", "cos\nsystem\n)\x81(" + text("touch canary") + "e.");
  inert("items of an inert object", "cos\nenviron\n)\x81" + text("PATH") + text("x") + "s.");
  inert("list that holds itself",
        "]q\x01h\x01"
        "a.");
  inert("100,000 nested lists", repeat("]", 100000) + repeat("a", 99999) + ".");
  cases.push_back({"persistent id that is a string", text("os.system") + "Q.", Outcome::kEither,
                   "persistent id"});
  cases.push_back(
      {"persistent id in text", "\x80\x02Pos.system\n.", Outcome::kEither, "persistent id"});
  cases.push_back({"persistent id of a module", "("s + text("module") + "cos\nsystem\nNNtQ.",
                   Outcome::kEither, "persistent id"});
}

std::vector<Case> corpus() {
  std::vector<Case> cases;
  add_calls(cases);
  add_other_ways_to_call(cases);
  add_lies(cases);
  add_inert(cases);
  return cases;
}

/// Reads `content` as a file; the outcome must be that of `test`.
void check(const Case& test, const Path& path) {
  try {
    read_torch_file(path);
    EXPECT_NE(test.outcome, Outcome::kRefused) << test.name << " was accepted";
  } catch (const DataError& error) {
    EXPECT_NE(test.outcome, Outcome::kInert) << test.name << ": " << error.what();
    EXPECT_THAT(error.what(), ::testing::HasSubstr(test.reason)) << test.name;
    EXPECT_THAT(error.what(), ::testing::StartsWith(path.string())) << test.name;
  }
}

TEST(MaliciousPickleTest, IsRefusedOrInertInEveryContainer) {
  const testing::TemporaryFolder folder;
  const Path before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  double slowest = 0.0;
  int files = 0;
  for (const Case& test : corpus()) {
    for (const std::string& content :
         {test.pickle, testing::torch_zip(test.pickle), testing::torch_legacy(test.pickle)}) {
      const Path path = folder.file("attack.pth", content);
      const auto start = std::chrono::steady_clock::now();
      check(test, path);
      const std::chrono::duration<double, std::milli> taken =
          std::chrono::steady_clock::now() - start;
      slowest = std::max(slowest, taken.count());
      ++files;
      std::filesystem::remove(path);
      EXPECT_TRUE(std::filesystem::is_empty(folder.path())) << test.name << " left a file";
    }
  }
  std::filesystem::current_path(before);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a process was started";
  EXPECT_EQ(errno, ECHILD);
  EXPECT_GE(files, 3 * 40);
  std::printf(
      "malicious pickles: %d files refused or inert, no process, no file, the slowest %.2f "
      "ms\n",
      files, slowest);
  RecordProperty("files", files);
  RecordProperty("slowest_ms", std::to_string(slowest));
}

}  // namespace
}  // namespace referent::formats
