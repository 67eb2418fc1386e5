// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace referent::testing {

struct ProcessOptions {
  /// Added to this process's own.
  std::vector<std::pair<std::string, std::string>> environment = {};
  std::string input = {};             ///< standard input
  std::filesystem::path folder = {};  ///< to start in; empty: this process's
  std::chrono::seconds limit{240};
};

/// How a process ended and what it said.
struct ProcessResult {
  int status = -1;  ///< exit status; -1 when a signal ended it
  int signal = 0;   ///< that ended it
  bool timed_out = false;
  std::string out;
  std::string err;
};

/// A child process. Its streams are files in memory, so it never waits for its reader.
class Process {
 public:
  Process(const std::filesystem::path& program, const std::vector<std::string>& arguments,
          ProcessOptions options = {})
      : options_(std::move(options)) {
    write_all(in_.descriptor, options_.input);
    ::lseek(in_.descriptor, 0, SEEK_SET);
    std::vector<std::string> words{program.string()};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    child_ = ::fork();
    if (child_ < 0) throw std::runtime_error("fork failed");
    if (child_ == 0) become(argv);
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process() {
    if (child_ > 0) {
      ::kill(child_, SIGKILL);
      ::waitpid(child_, nullptr, 0);
    }
  }

  pid_t id() const { return child_; }

  void send(int signal) const { ::kill(child_, signal); }

  bool running() { return child_ > 0 && !reap(WNOHANG); }

  /// Waits for its end, and brings it about when the time is over.
  ProcessResult wait() {
    while (running()) {
      if (std::chrono::steady_clock::now() > deadline_) {
        result_.timed_out = true;
        ::kill(child_, SIGKILL);
        reap(0);
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    result_.out = read_all(out_.descriptor);
    result_.err = read_all(err_.descriptor);
    return result_;
  }

 private:
  struct MemoryFile {
    MemoryFile() : descriptor(::memfd_create("stream", MFD_CLOEXEC)) {
      if (descriptor < 0) throw std::runtime_error("memfd_create failed");
    }
    MemoryFile(const MemoryFile&) = delete;
    MemoryFile& operator=(const MemoryFile&) = delete;
    ~MemoryFile() { ::close(descriptor); }
    int descriptor;
  };

  static void write_all(int file, std::string_view text) {
    while (!text.empty()) {
      const ssize_t put = ::write(file, text.data(), text.size());
      if (put < 0) throw std::runtime_error("cannot write standard input");
      text.remove_prefix(static_cast<std::size_t>(put));
    }
  }

  static std::string read_all(int file) {
    std::string text(static_cast<std::size_t>(::lseek(file, 0, SEEK_END)), '\0');
    const ssize_t got = ::pread(file, text.data(), text.size(), 0);
    text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return text;
  }

  [[noreturn]] void become(const std::vector<char*>& argv) const {
    ::dup2(in_.descriptor, STDIN_FILENO);
    ::dup2(out_.descriptor, STDOUT_FILENO);
    ::dup2(err_.descriptor, STDERR_FILENO);
    for (const auto& [name, value] : options_.environment) {
      ::setenv(name.c_str(), value.c_str(), 1);
    }
    if (options_.folder.empty() || ::chdir(options_.folder.c_str()) == 0) {
      ::execv(argv.front(), argv.data());
    }
    ::_exit(127);
  }

  bool reap(int flags) {
    int status = 0;
    if (::waitpid(child_, &status, flags) != child_) return false;
    child_ = -1;
    if (WIFEXITED(status)) result_.status = WEXITSTATUS(status);
    if (WIFSIGNALED(status)) result_.signal = WTERMSIG(status);
    return true;
  }

  ProcessOptions options_;
  MemoryFile in_;
  MemoryFile out_;
  MemoryFile err_;
  ProcessResult result_;
  std::chrono::steady_clock::time_point deadline_ =
      std::chrono::steady_clock::now() + options_.limit;
  pid_t child_ = -1;
};

}  // namespace referent::testing
