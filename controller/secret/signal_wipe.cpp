// SPDX-License-Identifier: Apache-2.0
// SIGINT and SIGTERM through a signalfd.
#include "controller/secret/signal_wipe.hpp"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>

namespace nicol::secret {

int block_termination_signals() noexcept {
  sigset_t stops;
  sigemptyset(&stops);
  sigaddset(&stops, SIGINT);
  sigaddset(&stops, SIGTERM);
  const int fd = signalfd(-1, &stops, SFD_CLOEXEC);
  if (fd >= 0) pthread_sigmask(SIG_BLOCK, &stops, nullptr);
  return fd;
}

}  // namespace nicol::secret
