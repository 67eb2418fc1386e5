// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "support/listener.h"
#include "support/process.h"

/// Groups of real processes, each a worker.cpp.
namespace referent::testing {

using Words = std::vector<std::string>;
using Variables = std::map<std::string, std::string>;

/// torchrun's variables of a process on this host.
Variables place(int rank, int size, int port);

std::unique_ptr<Process> start_worker(const Words& words, const Variables& variables,
                                      std::chrono::seconds limit = std::chrono::seconds(60));

/// Processes of one group.
class Group {
 public:
  Group(int size, const Words& words, const Variables& more = {},
        std::chrono::seconds limit = std::chrono::seconds(60));

  int port() const { return port_; }
  Process& operator[](int rank) { return *processes_[static_cast<std::size_t>(rank)]; }
  std::vector<ProcessResult> wait();

 private:
  int port_ = free_port();
  std::vector<std::unique_ptr<Process>> processes_;
};

/// Asks until the answer is yes; false after 60 s.
bool wait_until(const std::function<bool()>& condition);

/// Waits until every rank has noted in `folder` that it has begun. Their process numbers.
std::vector<int> wait_for_notes(const std::filesystem::path& folder, int size);

/// No such process, or one that has ended and waits to be collected.
bool is_gone(int process);

void PrintTo(const ProcessResult& result, std::ostream* stream);

MATCHER_P(Ends, status, "ends with status " + std::to_string(status)) {
  return !arg.timed_out && arg.signal == 0 && arg.status == status;
}

}  // namespace referent::testing
