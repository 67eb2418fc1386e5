// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <ostream>
#include <string>
#include <vector>

#include "referent/core/file.h"
#include "support/process.h"
#include "support/temporary_folder.h"

/// The program as a user starts it, and what its end looks like.
namespace referent::testing {

using Json = nlohmann::json;
using Words = std::vector<std::string>;

Path program();

/// Starts the program. It computes with one thread: more gain nothing with tiny models, and wait
/// for each other without end where other programs keep the cores busy.
Process start(const Words& arguments);

/// Starts the program and waits for its end.
ProcessResult referent(const Words& arguments);

/// The JSON document that is all of the standard output; a failure of the test when it is not.
Json document(const ProcessResult& result);

/// Every line of a file of JSON lines.
std::vector<Json> json_lines(const Path& file);

void PrintTo(const ProcessResult& result, std::ostream* stream);

/// A tiny model trained for a few steps on synthetic scenes, and another one with a mask head. Made
/// once for a build of the program and shared by all tests, which leave them as they are.
struct TinyRun {
  Path folder;

  Path scenes() const { return folder / "scenes"; }  ///< 40 for training, 12 held out
  Path config() const { return folder / "tiny.json"; }
  Path run() const { return folder / "run"; }
  Path checkpoint() const { return run() / "last"; }
  Path mask_run() const { return folder / "mask-run"; }
  Path mask_checkpoint() const { return mask_run() / "last"; }
  Path picture() const { return scenes() / "images" / "val-000003.png"; }  ///< 64 x 64
};

const TinyRun& tiny_run();

/// Names of what is in a folder, sorted.
Words entries(const Path& folder);

/// Asks until the answer is yes; false after the time.
bool wait_until(const std::function<bool()>& condition,
                std::chrono::seconds limit = std::chrono::seconds(120));

MATCHER_P(ExitsWith, status, "exits with status " + std::to_string(status)) {
  return !arg.timed_out && arg.signal == 0 && arg.status == status;
}

MATCHER_P2(FailsWith, status, words,
           "exits with status " + std::to_string(status) + " and says on standard error " +
               ::testing::PrintToString(words)) {
  if (arg.timed_out || arg.signal != 0 || arg.status != status) return false;
  for (const std::string& word : words) {
    if (arg.err.find(word) != std::string::npos) continue;
    *result_listener << "standard error does not say \"" << word << '"';
    return false;
  }
  return true;
}

/// A user's mistake is told with status and cause.
inline auto Fails(int status, const Words& words) {
  return FailsWith(status, words);
}

}  // namespace referent::testing
