// SPDX-License-Identifier: Apache-2.0
// Forked children for tests of what must kill a process.
#include "tests/support/child_process.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <stdexcept>

namespace nicol::test {
namespace {

struct Pipe {
  int reader = -1, writer = -1;
};

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (pipe(ends.data()) != 0) throw std::runtime_error("pipe");
  return {ends[0], ends[1]};
}

pid_t forked() {
  std::fflush(nullptr);
  const pid_t pid = fork();
  if (pid < 0) throw std::runtime_error("fork");
  if (pid == 0) prctl(PR_SET_PDEATHSIG, SIGKILL);
  return pid;
}

void use_default_signals() {
  for (const int s : {SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE, SIGINT, SIGTERM}) signal(s, SIG_DFL);
}

std::string read_until_closed(int fd, std::size_t most) {
  std::string text;
  std::array<char, 4096> buffer;
  while (text.size() < most) {
    const ssize_t got = ::read(fd, buffer.data(), std::min(buffer.size(), most - text.size()));
    if (got <= 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return text;
}

int call(const std::function<int()>& body) noexcept { return body(); }
void call(const std::function<void(int)>& body, int fd) noexcept { body(fd); }

}  // namespace

ChildEnd run_in_child(const std::function<int()>& body) {
  const Pipe errors = make_pipe();
  const pid_t pid = forked();
  if (pid == 0) {
    use_default_signals();
    const rlimit no_core{0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    dup2(errors.writer, STDERR_FILENO);
    close(errors.reader);
    close(errors.writer);
    _exit(call(body));
  }
  close(errors.writer);
  ChildEnd end;
  end.errors = read_until_closed(errors.reader, std::size_t{1} << 20);
  close(errors.reader);
  int status = 0;
  waitpid(pid, &status, 0);
  if (WIFSIGNALED(status)) end.signal = WTERMSIG(status);
  if (WIFEXITED(status)) end.exit_code = WEXITSTATUS(status);
  return end;
}

HeldChild::HeldChild(const std::function<void(int)>& body) {
  const Pipe ends = make_pipe();
  pid_ = forked();
  if (pid_ == 0) {
    use_default_signals();
    close(ends.reader);
    call(body, ends.writer);
    _exit(0);
  }
  close(ends.writer);
  from_child_ = ends.reader;
}

HeldChild::~HeldChild() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  close(from_child_);
}

std::string HeldChild::read(std::size_t size) const { return read_until_closed(from_child_, size); }

int HeldChild::wait_for_end() {
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = -1;
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

}  // namespace nicol::test
