// SPDX-License-Identifier: Apache-2.0
#include "referent/core/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>

namespace referent {
namespace {

constexpr int kBarWidth = 24;
constexpr std::chrono::milliseconds kRedraw{100};
constexpr std::chrono::seconds kPlainInterval{10};

std::atomic<bool> bar_visible{false};
std::atomic<bool> quiet_mode{false};

bool on_terminal() {
  static const bool answer = ::isatty(STDERR_FILENO) != 0;
  return answer;
}

}  // namespace

std::string format_duration(double seconds) {
  const std::int64_t whole = std::llround(std::max(0.0, seconds));
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{}:{:02}", whole / 60, whole % 60);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

ProgressBar::ProgressBar(std::string title, std::int64_t total, std::int64_t done)
    : title_(std::move(title)), total_(total), first_(done), done_(done), next_line_(done) {}

ProgressBar::~ProgressBar() {
  clear_line();
}

void ProgressBar::clear_line() {
  if (bar_visible.exchange(false)) {
    std::fputs("\r\033[K", stderr);
    std::fflush(stderr);
  }
}

void ProgressBar::set_quiet(bool quiet) {
  quiet_mode = quiet;
}

double ProgressBar::seconds_left() const {
  const double spent = std::chrono::duration<double>(Clock::now() - start_).count();
  const auto steps = static_cast<double>(std::max<std::int64_t>(1, done_ - first_));
  return spent / steps * static_cast<double>(total_ - done_);
}

void ProgressBar::advance(const std::string& note) {
  ++done_;
  if (quiet_mode) return;
  const auto now = Clock::now();
  if (on_terminal()) {
    if (now - last_draw_ >= kRedraw || done_ == total_) {
      last_draw_ = now;
      draw(note);
    }
  } else if (done_ == total_ || (done_ >= next_line_ && now - last_draw_ >= kPlainInterval)) {
    last_draw_ = now;
    next_line_ = done_ + std::max<std::int64_t>(1, total_ / 10);
    fmt::print(stderr, "{}: {}/{}, {} left{}{}\n", title_, done_, total_,
               format_duration(seconds_left()), note.empty() ? "" : ", ", note);
  }
}

void ProgressBar::draw(const std::string& note) {
  const std::int64_t filled = total_ > 0 ? kBarWidth * done_ / total_ : kBarWidth;
  std::string bar;
  for (int i = 0; i < kBarWidth; ++i) bar += i < filled ? "━" : "╌";
  fmt::print(stderr, "\r\033[K{} {} {}/{} {} left {}", title_, bar, done_, total_,
             format_duration(seconds_left()), note);
  std::fflush(stderr);
  bar_visible = true;
}

}  // namespace referent
