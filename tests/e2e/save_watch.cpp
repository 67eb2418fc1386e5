// SPDX-License-Identifier: Apache-2.0
#include "e2e/save_watch.h"

#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <stdexcept>
#include <string_view>

namespace referent::testing {

SaveWatch::SaveWatch(const Path& run)
    : descriptor_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)),
      checkpoints_(::inotify_add_watch(descriptor_, (run / "checkpoints").c_str(), IN_CREATE)),
      run_(::inotify_add_watch(descriptor_, run.c_str(), IN_MOVED_TO)) {
  if (descriptor_ < 0 || checkpoints_ < 0 || run_ < 0) throw std::runtime_error("no inotify");
}

SaveWatch::~SaveWatch() {
  ::close(descriptor_);
}

bool SaveWatch::read_more() {
  pollfd source{descriptor_, POLLIN, 0};
  constexpr int kPatience = 250;  // [ms]
  if (::poll(&source, 1, kPatience) <= 0) return false;
  std::array<char, 4096> buffer{};
  const ssize_t got = ::read(descriptor_, buffer.data(), buffer.size());
  if (got > 0) unread_.append(buffer.data(), static_cast<std::size_t>(got));
  return got > 0;
}

std::optional<SaveWatch::Event> SaveWatch::next() {
  for (;;) {
    while (unread_.size() >= sizeof(inotify_event)) {
      inotify_event event;
      std::memcpy(&event, unread_.data(), sizeof event);
      const std::string name(unread_.data() + sizeof event);
      unread_.erase(0, sizeof event + event.len);
      if (event.wd == checkpoints_ && name.ends_with(".tmp")) return Event::kBegun;
      if (event.wd == run_ && name == "last") return Event::kPublished;
    }
    if (!read_more()) return std::nullopt;
  }
}

}  // namespace referent::testing
