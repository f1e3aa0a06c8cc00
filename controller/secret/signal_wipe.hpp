// SPDX-License-Identifier: Apache-2.0
// SIGINT and SIGTERM as something a normal thread reads, because wiping keys inside a signal handler is not safe.
#pragma once

namespace nicol::secret {

/// Blocks SIGINT and SIGTERM in the calling thread (call it first in main: later threads inherit it) and returns a
/// signalfd that delivers them, closed on exec, owned by the caller. -1 with errno set when the system refuses; the
/// signals are not blocked then, and kill as usual.
int block_termination_signals() noexcept;

}  // namespace nicol::secret
