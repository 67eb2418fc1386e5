// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace referent::testing {

/// How often a test repeats itself. Such tests are built twice: into e2e_test, where a few repeats
/// show that nothing is broken, and with REFERENT_ALL_TRIALS into reliability_test, labelled slow.
constexpr int trials([[maybe_unused]] int few, [[maybe_unused]] int all) {
#ifdef REFERENT_ALL_TRIALS
  return all;
#else
  return few;
#endif
}

}  // namespace referent::testing
