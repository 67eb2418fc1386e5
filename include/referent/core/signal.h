// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace referent {

/// From now on SIGINT, SIGTERM and SIGUSR1 (a cluster's warning) only set a flag, which long loops
/// look at between steps; a second SIGINT ends the process at once. Call once, from a command that
/// can stop and save.
void install_stop_handler();

/// The signal that asked the process to stop, or 0.
int stop_signal();

}  // namespace referent
