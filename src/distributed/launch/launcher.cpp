// SPDX-License-Identifier: Apache-2.0
#include "referent/distributed/launcher.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstring>
#include <memory>
#include <optional>
#include <thread>

#include "referent/core/error.h"
#include "referent/core/log.h"
#include "worker.h"

namespace referent::distributed {
namespace {

using Clock = std::chrono::steady_clock;

/// For the others to notice by themselves that one is gone, and to say so.
constexpr std::chrono::milliseconds kNotice{3200};
/// Between SIGTERM and SIGKILL.
constexpr std::chrono::milliseconds kGrace{1500};

constexpr std::array kPassedOn{SIGTERM, SIGINT, SIGUSR1};

constexpr int kPeer = static_cast<int>(ExitStatus::kPeer);

struct Master {
  std::string host;
  std::string port;
};

/// A port that nobody on this host listens at now.
std::string free_port() {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  const bool found = socket >= 0 && ::bind(socket, generic, size) == 0 &&
                     ::getsockname(socket, generic, &size) == 0;
  const int fault = errno;
  if (socket >= 0) ::close(socket);
  if (!found) throw DeviceError("no free port on this host: {}", std::strerror(fault));
  return std::to_string(ntohs(address.sin_port));
}

Master find_master(const LaunchOptions& options) {
  if (options.node_rank >= options.nodes) {
    throw ConfigError("--node-rank {} is not below --nodes {}", options.node_rank, options.nodes);
  }
  if (options.master.empty()) {
    if (options.nodes == 1) return {"127.0.0.1", free_port()};
    throw ConfigError("--nodes {} needs --master HOST:PORT, a free port of host 0", options.nodes);
  }
  const std::size_t colon = options.master.rfind(':');
  const std::string port = colon == std::string::npos ? "" : options.master.substr(colon + 1);
  int number = 0;
  const auto [stop, fault] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (colon == 0 || fault != std::errc() || stop != port.data() + port.size() || number < 1 ||
      number > 65535) {
    throw ConfigError("--master is \"{}\"; it must be HOST:PORT with a port from 1 to 65535",
                      options.master);
  }
  return {options.master.substr(0, colon), port};
}

/// The workers of this host, watched until the last has ended.
class Workers {
 public:
  explicit Workers(const LaunchOptions& options) {
    const Master master = find_master(options);
    take_signals();
    const auto threads =
        options.threads > 0
            ? options.threads
            : std::max<std::int64_t>(std::thread::hardware_concurrency() / options.processes, 1);
    for (std::int64_t i = 0; i < options.processes; ++i) {
      const std::int64_t rank = options.node_rank * options.processes + i;
      WorkerStart start{rank, options.command, {}, rank == 0};
      start.environment = {{"RANK", std::to_string(rank)},
                           {"LOCAL_RANK", std::to_string(i)},
                           {"WORLD_SIZE", std::to_string(options.nodes * options.processes)},
                           {"LOCAL_WORLD_SIZE", std::to_string(options.processes)},
                           {"MASTER_ADDR", master.host},
                           {"MASTER_PORT", master.port},
                           // Set where an elastic agent has started this launcher.
                           {"TORCHELASTIC_USE_AGENT_STORE", "False"}};
      if (options.threads > 0 || std::getenv("OMP_NUM_THREADS") == nullptr) {
        start.environment.emplace_back("OMP_NUM_THREADS", std::to_string(threads));
      }
      workers_.push_back(std::make_unique<Worker>(start));
    }
  }
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;
  ~Workers() {
    if (signals_ >= 0) ::close(signals_);
  }

  int watch() {
    while (std::ranges::any_of(workers_, &Worker::running)) {
      wait_for_news();
      for (const auto& worker : workers_) worker->pass_on();
      note_signals();
      reap();
      if (deadline_ && Clock::now() >= *deadline_) end_the_rest();
    }
    for (const auto& worker : workers_) worker->pass_on();
    return outcome();
  }

 private:
  void take_signals() {
    sigset_t taken;
    sigemptyset(&taken);
    sigaddset(&taken, SIGCHLD);
    for (const int signal : kPassedOn) sigaddset(&taken, signal);
    ::sigprocmask(SIG_BLOCK, &taken, nullptr);
    signals_ = ::signalfd(-1, &taken, SFD_NONBLOCK | SFD_CLOEXEC);
    if (signals_ < 0) throw DeviceError("cannot listen to signals: {}", std::strerror(errno));
  }

  void wait_for_news() {
    std::vector<pollfd> sources{{signals_, POLLIN, 0}};
    for (const auto& worker : workers_) {
      if (worker->errors() >= 0) sources.push_back({worker->errors(), POLLIN, 0});
    }
    int milliseconds = -1;
    if (deadline_) {
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(*deadline_ - Clock::now());
      milliseconds = static_cast<int>(std::max<std::int64_t>(left.count() + 1, 0));
    }
    ::poll(sources.data(), sources.size(), milliseconds);
  }

  void note_signals() {
    signalfd_siginfo info{};
    while (::read(signals_, &info, sizeof info) == sizeof info) {
      const int signal = static_cast<int>(info.ssi_signo);
      if (signal == SIGCHLD) continue;
      passed_on_ = true;
      for (const auto& worker : workers_) worker->send(signal);
    }
  }

  void reap() {
    for (const auto& worker : workers_) {
      int status = 0;
      if (!worker->running() || ::waitpid(worker->process(), &status, WNOHANG) <= 0) continue;
      worker->pass_on();
      worker->end(status);
      if (failed(*worker)) note_failure(*worker);
    }
  }

  /// A worker that a passed-on signal has stopped did as it was told.
  bool failed(const Worker& worker) const {
    const int signal = worker.status() - 128;
    return worker.status() != 0 && !(passed_on_ && std::ranges::count(kPassedOn, signal) > 0);
  }

  void note_failure(const Worker& worker) {
    if (first_ == nullptr || (first_->status() == kPeer && !ended_the_rest_)) first_ = &worker;
    if (deadline_ || ended_the_rest_) return;
    if (std::ranges::any_of(workers_, &Worker::running)) {
      log::error("rank {} (process {}) {}; the others end too", worker.rank(), worker.process(),
                 how_it_ended(worker));
    }
    deadline_ = Clock::now() + kNotice;
  }

  static std::string how_it_ended(const Worker& worker) {
    if (worker.status() <= 128) return fmt::format("ended with status {}", worker.status());
    const int signal = worker.status() - 128;
    return fmt::format("was ended by signal {} ({})", signal, ::strsignal(signal));
  }

  void end_the_rest() {
    for (const auto& worker : workers_) {
      // One that is stopped (SIGSTOP) would take SIGTERM only when it goes on.
      worker->send(ended_the_rest_ ? SIGKILL : SIGTERM);
    }
    deadline_.reset();
    if (!ended_the_rest_) deadline_ = Clock::now() + kGrace;
    ended_the_rest_ = true;
  }

  int outcome() const {
    if (first_ != nullptr) {
      log::error("rank {} failed first: it {}", first_->rank(), how_it_ended(*first_));
      return first_->status();
    }
    for (const auto& worker : workers_) {
      if (worker->status() != 0) return worker->status();  // stopped by a signal passed on
    }
    return 0;
  }

  int signals_ = -1;
  std::vector<std::unique_ptr<Worker>> workers_;
  bool passed_on_ = false;         ///< a signal
  const Worker* first_ = nullptr;  ///< that failed
  std::optional<Clock::time_point> deadline_;
  bool ended_the_rest_ = false;
};

}  // namespace

int launch(const LaunchOptions& options) {
  return Workers(options).watch();
}

}  // namespace referent::distributed
