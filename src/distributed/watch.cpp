// SPDX-License-Identifier: Apache-2.0
#include "watch.h"

#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "referent/core/error.h"
#include "referent/core/log.h"
#include "silence.h"

namespace referent::distributed {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kBeat{250};
/// Who has not been heard for so long when an exchange fails is missing.
constexpr milliseconds kSilence{1200};
/// From the failure of an exchange to the judgement who is missing.
constexpr milliseconds kJudgement{1500};
/// The most that the main thread waits for this one.
constexpr milliseconds kPatience{3000};
/// A store that takes so long to answer is that of a stopped rank.
constexpr milliseconds kUnanswered{2000};
/// The most that rank 0 keeps the store open for the others to read the news.
constexpr milliseconds kFarewell{1000};
/// For the main thread to come to its end after a failure elsewhere.
constexpr milliseconds kGrace{3000};

constexpr const char* kFailure = "failure";
constexpr const char* kSeen = "seen_failure";
constexpr const char* kLeft = "left";

double seconds(Clock::duration time) {
  return std::chrono::duration<double>(time).count();
}

}  // namespace

/// Shared with the thread, which outlives the Watch where the store does not answer. Only the
/// thread talks to the store.
struct Watch::State {
  struct Peer {
    std::string count;
    Clock::time_point heard = Clock::now();
    bool left = false;
  };

  Store store;
  Environment environment;
  milliseconds timeout;
  std::vector<Peer> peers;  ///< the thread's, by rank
  std::int64_t beats = 0;   ///< the thread's

  std::mutex mutex;
  std::condition_variable changed;
  bool leaving = false;                       ///< the main thread is in the destructor
  bool ended = false;                         ///< the thread is at its end
  Clock::time_point answered = Clock::now();  ///< the store, last
  bool lost = false;                          ///< the store does not answer any more
  bool told = false;                          ///< everybody who lives has read the failure
  /// What the main thread reported, and when.
  std::optional<std::string> report;
  Clock::time_point reported;
  bool own = false;  ///< it is this process's own failure
  std::optional<std::string> failure;
  Clock::time_point learned;

  void run();
  void look();
  void show_life();
  void hear_others();
  void learn();
  void judge(const std::string& message, bool from_here);
  std::vector<int> silent(milliseconds time) const;
  void accept(std::string text);
  void count_readers();
  void leave();
  void end_process_if_stuck(Clock::time_point since, milliseconds grace, const std::string& why);
  std::string store_is_gone() const;
  std::string tell(const std::string& message, bool from_here);
  /// Of the main thread: until `there`, or there is no more to be hoped for from the store.
  template <typename Condition>
  void await(std::unique_lock<std::mutex>& lock, milliseconds most, const Condition& there);
};

void Watch::State::run() {
  const Silence silence;
  try {
    while (true) {
      look();
      std::unique_lock lock(mutex);
      const bool quick = failure && !told;
      changed.wait_for(lock, quick ? kBeat / 10 : kBeat,
                       [&] { return (leaving && !quick) || (own && !failure); });
      if (leaving && (!failure || told)) break;
      if (peers.front().left) break;  // the store is about to close
    }
    leave();
  } catch (const std::exception&) {
    std::unique_lock lock(mutex);
    lost = true;
    const auto since = Clock::now();
    changed.notify_all();
    while (!leaving && !report) {
      changed.wait_for(lock, kBeat);
      lock.unlock();
      end_process_if_stuck(since, timeout, store_is_gone());
      lock.lock();
    }
  }
  const std::scoped_lock lock(mutex);
  ended = true;
  lost = true;
  changed.notify_all();
}

void Watch::State::look() {
  show_life();
  hear_others();
  learn();
  std::unique_lock lock(mutex);
  answered = Clock::now();
  if (!failure) return;
  const std::string why = *failure;
  lock.unlock();
  count_readers();
  end_process_if_stuck(learned, kGrace, why);
}

void Watch::State::show_life() {
  store->set(life_key(environment.rank), std::to_string(++beats));
}

void Watch::State::hear_others() {
  std::vector<std::string> keys;
  keys.reserve(peers.size());
  for (int rank = 0; rank < environment.world_size; ++rank) keys.push_back(life_key(rank));
  const auto counts = store->multiGet(keys);
  for (std::size_t rank = 0; rank < peers.size(); ++rank) {
    std::string count(counts[rank].begin(), counts[rank].end());
    if (count == peers[rank].count) continue;
    peers[rank] = {count, Clock::now(), count == kLeft};
  }
}

std::vector<int> Watch::State::silent(milliseconds time) const {
  std::vector<int> ranks;
  for (std::size_t rank = 0; rank < peers.size(); ++rank) {
    const Peer& peer = peers[rank];
    if (!peer.left && Clock::now() - peer.heard > time) ranks.push_back(static_cast<int>(rank));
  }
  return ranks;
}

void Watch::State::learn() {
  std::unique_lock lock(mutex);
  if (failure) return;
  const auto message = report;
  const bool from_here = own;
  const bool time_is_up =
      report && (Clock::now() - reported >= kJudgement || !silent(kSilence).empty());
  lock.unlock();
  if (store->check({kFailure})) return accept(store->get_to_str(kFailure));
  if (from_here || time_is_up || (!message && !silent(timeout).empty())) {
    judge(message.value_or(""), from_here);
  }
}

/// Says who failed first, unless another process was quicker to.
void Watch::State::judge(const std::string& message, bool from_here) {
  const std::vector<int> missing = silent(kSilence);
  std::string text = fmt::format("rank {} failed: {}", environment.rank, message);
  if (!from_here && !missing.empty()) {
    const auto heard = peers[static_cast<std::size_t>(missing.front())].heard;
    text = fmt::format(
        "rank{} {} vanished: killed, stopped or cut off; nothing was heard for {:.1f} s",
        missing.size() == 1 ? "" : "s", fmt::join(missing, ", "), seconds(Clock::now() - heard));
  } else if (!from_here) {
    text = fmt::format(
        "rank {} gave up waiting though all processes live: one is slower than the timeout of {} s "
        "allows, or they wait for different things ({})",
        environment.rank, seconds(timeout), message);
  }
  accept(store->compareSet(kFailure, "", text));
}

void Watch::State::accept(std::string text) {
  store->add(kSeen, 1);
  const std::scoped_lock lock(mutex);
  failure = std::move(text);
  learned = Clock::now();
  changed.notify_all();
}

void Watch::State::count_readers() {
  const auto lively =
      static_cast<std::int64_t>(peers.size()) - static_cast<std::int64_t>(silent(kSilence).size());
  const bool all = store->add(kSeen, 0) >= lively;
  const std::scoped_lock lock(mutex);
  told = told || all || Clock::now() - learned > kFarewell;
  changed.notify_all();
}

/// Rank 0 keeps the store open until the others have seen that it closes.
void Watch::State::leave() {
  store->set(life_key(environment.rank), kLeft);
  const auto end = Clock::now() + kFarewell;
  while (environment.rank == 0 && Clock::now() < end) {
    hear_others();
    if (std::ranges::all_of(peers, &Peer::left)) break;
    std::this_thread::sleep_for(kBeat / 10);
  }
}

void Watch::State::end_process_if_stuck(Clock::time_point since, milliseconds grace,
                                        const std::string& why) {
  {
    const std::scoped_lock lock(mutex);
    if (leaving || report || Clock::now() - since < grace) return;
  }
  log::error("rank {} stops: {}", environment.rank, why);
  std::_Exit(static_cast<int>(ExitStatus::kPeer));
}

std::string Watch::State::store_is_gone() const {
  return fmt::format(
      "rank 0 with the store at {}:{} is gone: it has ended, was killed or stopped, or is cut off",
      environment.master_address, environment.master_port);
}

template <typename Condition>
void Watch::State::await(std::unique_lock<std::mutex>& lock, milliseconds most,
                         const Condition& there) {
  const auto end = Clock::now() + most;
  const auto over = [&] {
    return there() || lost || Clock::now() > end || Clock::now() - answered > kUnanswered;
  };
  while (!over()) changed.wait_for(lock, kBeat / 10, over);
}

/// Hands the thread the news and returns what it makes of them.
std::string Watch::State::tell(const std::string& message, bool from_here) {
  std::unique_lock lock(mutex);
  if (!report) {
    report = message;
    reported = Clock::now();
    own = from_here;
  }
  changed.notify_all();
  await(lock, kPatience, [this] { return failure.has_value(); });
  if (environment.rank == 0) await(lock, kFarewell, [this] { return told; });
  return failure ? *failure : store_is_gone();
}

Watch::Watch(const Store& store, const Environment& environment, milliseconds timeout)
    : state_(std::make_shared<State>()) {
  state_->store = store->clone();
  state_->environment = environment;
  state_->timeout = timeout;
  state_->peers.resize(static_cast<std::size_t>(environment.world_size));
  std::thread([state = state_] { state->run(); }).detach();
}

Watch::~Watch() {
  std::unique_lock lock(state_->mutex);
  state_->leaving = true;
  state_->changed.notify_all();
  state_->await(lock, kPatience, [this] { return state_->ended; });
}

void Watch::report(const std::string& message) {
  state_->tell(message, /*from_here=*/true);
}

std::string Watch::first_failure(const std::string& message) {
  return state_->tell(message, /*from_here=*/false);
}

}  // namespace referent::distributed
