// SPDX-License-Identifier: Apache-2.0
#include "connect.h"

#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include <chrono>
#include <future>
#include <thread>

#include "listener.h"
#include "referent/core/error.h"
#include "silence.h"

namespace referent::distributed {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kPause{20};
/// Rank 0 keeps the store open that long for the others to read why it gives up.
constexpr milliseconds kFarewell{2000};

constexpr const char* kWelcome = "welcome";
constexpr const char* kReadWelcome = "read_welcome";

std::string of_rank(const char* key, int rank) {
  return fmt::format("{}/{}", key, rank);
}

/// A meeting of `environment.world_size` processes at a store.
class Meeting {
 public:
  Meeting(const Environment& environment, const DistributedConfig& config)
      : environment_(environment),
        limit_(static_cast<std::int64_t>(config.connect_timeout * 1000)),
        deadline_(Clock::now() + limit_) {}

  Store open() const {
    c10d::TCPStoreOptions options;
    options.port = environment_.master_port;
    options.isServer = environment_.own_store && environment_.rank == 0;
    options.waitWorkers = false;
    options.timeout = limit_;
    if (options.isServer) {
      options.masterListenFd = open_listener(environment_.master_address, environment_.master_port);
    }
    // In a thread, since it waits without end for the first answer of a service of another kind.
    std::packaged_task<Store()> task([options, address = environment_.master_address] {
      const Silence silence;
      return Store(c10::make_intrusive<c10d::TCPStore>(address, options));
    });
    std::future<Store> store = task.get_future();
    std::thread(std::move(task)).detach();
    if (store.wait_for(limit_ + kFarewell) != std::future_status::ready) {
      unreachable("what listens there does not answer");
    }
    try {
      return c10::make_intrusive<c10d::PrefixStore>("referent/" + environment_.run, store.get());
    } catch (const c10::Error& error) {
      unreachable(first_line(error));
    }
  }

  void attend(c10d::Store& store) const {
    try {
      arrive(store);
      if (environment_.rank == 0) store.set(kWelcome, await_all(store));
      read_welcome(store);
    } catch (const c10::Error& error) {
      unreachable(first_line(error));
    }
  }

 private:
  [[noreturn]] void unreachable(const std::string& why) const {
    throw ConfigError(
        "rank {} cannot reach the store of rank 0 at {}:{} within {} s: see that MASTER_ADDR and "
        "MASTER_PORT are rank 0's, that it runs, and that nothing keeps the hosts apart ({})",
        environment_.rank, environment_.master_address, environment_.master_port,
        static_cast<double>(limit_.count()) / 1000, why);
  }

  static std::string first_line(const c10::Error& error) {
    const std::string text = error.what_without_backtrace();
    return text.substr(0, text.find('\n'));
  }

  void arrive(c10d::Store& store) const {
    if (store.add(of_rank("rank", environment_.rank), 1) > 1) {
      throw ConfigError(
          "RANK {} has come to {}:{} before: every process needs a rank of its own, or the store "
          "of an earlier run still answers there; set RANK or MASTER_PORT anew",
          environment_.rank, environment_.master_address, environment_.master_port);
    }
    store.set(life_key(environment_.rank), "0");
    store.set(of_rank("arrived", environment_.rank), std::to_string(environment_.world_size));
  }

  /// The number of processes once all are there, or what is wrong.
  std::string await_all(c10d::Store& store) const {
    std::vector<int> missing;
    for (int rank = 1; rank < environment_.world_size; ++rank) {
      const std::string key = of_rank("arrived", rank);
      bool there = store.check({key});
      while (!there && Clock::now() < deadline_) {
        std::this_thread::sleep_for(kPause);
        there = store.check({key});
      }
      if (!there) {
        missing.push_back(rank);
      } else if (const std::string size = store.get_to_str(key);
                 size != std::to_string(environment_.world_size)) {
        return fmt::format(
            "WORLD_SIZE is {} for rank {} but {} for rank 0: set the same for all processes", size,
            rank, environment_.world_size);
      }
    }
    if (missing.empty()) return std::to_string(environment_.world_size);
    return fmt::format(
        "{} of {} processes did not come within {} s (ranks {}): start all of them, or set "
        "WORLD_SIZE to the number there is",
        missing.size(), environment_.world_size, static_cast<double>(limit_.count()) / 1000,
        fmt::join(missing, ", "));
  }

  void read_welcome(c10d::Store& store) const {
    // Rank 0 may have started to wait later.
    store.wait({kWelcome}, limit_ + kFarewell);
    const std::string text = store.get_to_str(kWelcome);
    store.add(kReadWelcome, 1);
    if (text == std::to_string(environment_.world_size)) return;
    if (environment_.rank == 0) await_readers(store);
    if (text.find_first_not_of("0123456789") != std::string::npos) throw ConfigError("{}", text);
    throw ConfigError(
        "WORLD_SIZE is {} for rank {} but {} for rank 0: set the same for all processes",
        environment_.world_size, environment_.rank, text);
  }

  void await_readers(c10d::Store& store) const {
    const auto end = Clock::now() + kFarewell;
    const auto all_read = [&] {
      int present = 0;
      for (int rank = 0; rank < environment_.world_size; ++rank) {
        if (store.check({of_rank("arrived", rank)})) ++present;
      }
      return store.add(kReadWelcome, 0) >= present;
    };
    while (!all_read() && Clock::now() < end) std::this_thread::sleep_for(kPause);
  }

  const Environment& environment_;
  milliseconds limit_;
  Clock::time_point deadline_;
};

}  // namespace

std::string life_key(int rank) {
  return of_rank("alive", rank);
}

Store connect(const Environment& environment, const DistributedConfig& config) {
  const Meeting meeting(environment, config);
  Store store = meeting.open();
  meeting.attend(*store);
  return store;
}

}  // namespace referent::distributed
