// SPDX-License-Identifier: Apache-2.0
#include "worker.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "referent/core/error.h"

namespace referent::distributed {
namespace {

/// The child's side of the fork: does not return.
[[noreturn]] void become(const WorkerStart& start, pid_t parent, int errors) {
  // A group of its own: Ctrl-C at a terminal then reaches the launcher alone, which passes it on.
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) std::_Exit(128 + SIGKILL);  // it went before we asked to be told
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  const int null = ::open("/dev/null", O_RDWR);
  ::dup2(null, STDIN_FILENO);
  if (!start.passes_output) ::dup2(null, STDOUT_FILENO);
  ::dup2(errors, STDERR_FILENO);
  if (null > STDERR_FILENO) ::close(null);
  for (const auto& [name, value] : start.environment) ::setenv(name.c_str(), value.c_str(), 1);
  std::vector<std::string> words{"referent"};
  words.insert(words.end(), start.command.begin(), start.command.end());
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  ::execv("/proc/self/exe", arguments.data());
  std::fprintf(stderr, "error: cannot start /proc/self/exe: %s\n", std::strerror(errno));
  std::_Exit(static_cast<int>(ExitStatus::kDevice));
}

}  // namespace

Worker::Worker(const WorkerStart& start) : rank_(start.rank) {
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) {
    throw DeviceError("cannot make a pipe for rank {}: {}", rank_, std::strerror(errno));
  }
  const pid_t parent = ::getpid();
  process_ = ::fork();
  if (process_ == 0) become(start, parent, pipe[1]);
  ::close(pipe[1]);
  errors_ = pipe[0];
  if (process_ < 0) {
    ::close(errors_);
    throw DeviceError("cannot start a process for rank {}: {}", rank_, std::strerror(errno));
  }
  ::fcntl(errors_, F_SETFL, O_NONBLOCK);
}

Worker::~Worker() {
  if (running_) {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }
  if (errors_ >= 0) ::close(errors_);
}

void Worker::send(int signal) const {
  if (running_) ::kill(process_, signal);
}

void Worker::end(int status) {
  running_ = false;
  status_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void Worker::pass_on() {
  std::array<char, 1 << 16> buffer{};
  while (errors_ >= 0) {
    const ssize_t got = ::read(errors_, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) break;
    if (got <= 0) {
      ::close(errors_);
      errors_ = -1;
      break;
    }
    line_.append(buffer.data(), static_cast<std::size_t>(got));
    const std::size_t end = line_.rfind('\n');
    if (end == std::string::npos) continue;
    print(line_.data(), line_.data() + end + 1);
    line_.erase(0, end + 1);
  }
  if ((errors_ < 0 || !running_) && !line_.empty()) {
    line_ += '\n';
    print(line_.data(), line_.data() + line_.size());
    line_.clear();
  }
}

void Worker::print(const char* begin, const char* end) const {
  while (begin < end) {
    const char* next = std::find(begin, end, '\n') + 1;
    fmt::print(stderr, "[{}] {}", rank_, std::string_view(begin, next));
    begin = next;
  }
}

}  // namespace referent::distributed
