// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

namespace referent::distributed {

/// What a worker is started with.
struct WorkerStart {
  std::int64_t rank = 0;
  std::vector<std::string> command;  ///< arguments of this very program
  std::vector<std::pair<std::string, std::string>> environment;
  bool passes_output = false;  ///< keeps this process's standard output
};

/// A child process and the lines that it writes.
class Worker {
 public:
  /// Throws DeviceError when no process can be made.
  explicit Worker(const WorkerStart& start);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker();

  std::int64_t rank() const { return rank_; }
  pid_t process() const { return process_; }
  int errors() const { return errors_; }  ///< where its standard error comes out; -1 at its end

  bool running() const { return running_; }
  void send(int signal) const;
  /// Takes over the status of its end as waitpid gave it.
  void end(int status);
  int status() const { return status_; }  ///< exit status, or 128 + signal

  /// Passes on what it has written so far, whole lines with the rank in front.
  void pass_on();

 private:
  void print(const char* begin, const char* end) const;

  std::int64_t rank_;
  pid_t process_ = -1;
  int errors_ = -1;
  bool running_ = true;
  int status_ = 0;
  std::string line_;  ///< begun, not ended
};

}  // namespace referent::distributed
