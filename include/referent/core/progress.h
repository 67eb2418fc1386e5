// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace referent {

/// Progress of a loop with a known end, on standard error: a bar with the time left on a terminal,
/// a plain line about every tenth of the way (and at most one in ten seconds) elsewhere.
class ProgressBar {
 public:
  /// `total` steps, of which `done` are behind us already (a resumed run).
  ProgressBar(std::string title, std::int64_t total, std::int64_t done = 0);
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  ~ProgressBar();

  /// One step further; `note` (loss, rate) stands beside the bar.
  void advance(const std::string& note = {});

  /// Takes the bar off the terminal so that a log line can be printed; the next advance() redraws.
  static void clear_line();
  /// No bars and no progress lines at all (`-q`).
  static void set_quiet(bool quiet);

 private:
  using Clock = std::chrono::steady_clock;
  void draw(const std::string& note);
  double seconds_left() const;

  std::string title_;
  std::int64_t total_;
  std::int64_t first_;
  std::int64_t done_;
  std::int64_t next_line_;
  Clock::time_point start_ = Clock::now();
  Clock::time_point last_draw_{};
};

/// "1:02:03", "2:03" or "4 s".
std::string format_duration(double seconds);

}  // namespace referent
