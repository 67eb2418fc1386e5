// SPDX-License-Identifier: Apache-2.0
#include "referent/core/signal.h"

#include <csignal>

namespace referent {
namespace {

volatile std::sig_atomic_t received = 0;

void on_signal(int number) {
  if (received == SIGINT && number == SIGINT) {
    std::signal(number, SIG_DFL);
    std::raise(number);
  }
  received = number;
}

}  // namespace

void install_stop_handler() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  // Reads and writes of a checkpoint in progress must not fail with EINTR.
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  ::sigaction(SIGUSR1, &action, nullptr);
}

int stop_signal() {
  return received;
}

}  // namespace referent
