// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/program.hpp"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace nicol::test {
namespace {

void become(const As& as) {
  if (as.lock_limit) {
    const rlimit limit{*as.lock_limit, *as.lock_limit};
    setrlimit(RLIMIT_MEMLOCK, &limit);
  }
  if (as.ordinary_user &&
      (setgroups(0, nullptr) != 0 || setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0))
    _exit(125);
  for (const auto& e : as.environment) putenv(const_cast<char*>(e.c_str()));
}

[[noreturn]] void be_child(const std::filesystem::path& executable, std::vector<std::string>& arguments, const As& as,
                           int out, int err) {
  dup2(open("/dev/null", O_RDONLY), 0);
  dup2(out, 1);
  dup2(err, 2);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  become(as);
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // an endless node must not outlive a test that was killed
  std::vector<char*> argv{const_cast<char*>(executable.c_str())};
  for (auto& a : arguments) argv.push_back(a.data());
  argv.push_back(nullptr);
  execv(executable.c_str(), argv.data());
  _exit(126);
}

bool drain(int fd, std::string& into) {
  char buffer[65536];
  const ssize_t n = ::read(fd, buffer, sizeof buffer);
  if (n > 0) into.append(buffer, static_cast<std::size_t>(n));
  return n > 0;
}

}  // namespace

Program::Program(std::filesystem::path executable, std::vector<std::string> arguments, As as) {
  int out[2], err[2];
  if (pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
  pid_ = fork();
  if (pid_ == 0) be_child(executable, arguments, as, out[1], err[1]);
  close(out[1]);
  close(err[1]);
  out_ = out[0];
  err_ = err[0];
}

Program::Program(Program&& o) noexcept
    : pid_(std::exchange(o.pid_, -1)),
      out_(std::exchange(o.out_, -1)),
      err_(std::exchange(o.err_, -1)),
      collected_(std::move(o.collected_)) {}

Program::~Program() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  if (out_ >= 0) close(out_);
  if (err_ >= 0) close(err_);
}

void Program::kill(int signal) {
  if (pid_ > 0) ::kill(pid_, signal);
}

bool Program::running() {
  siginfo_t info{};
  return pid_ > 0 && waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid == 0;
}

Outcome Program::wait(std::chrono::seconds patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  bool out_open = true, err_open = true;
  while (out_open || err_open) {
    if (std::chrono::steady_clock::now() > until) ::kill(pid_, SIGKILL);
    pollfd p[2] = {{out_open ? out_ : -1, POLLIN, 0}, {err_open ? err_ : -1, POLLIN, 0}};
    poll(p, 2, 200);
    if (p[0].revents != 0) out_open = drain(out_, collected_.out);
    if (p[1].revents != 0) err_open = drain(err_, collected_.err);
  }
  int status = 0;
  waitpid(std::exchange(pid_, -1), &status, 0);
  collected_.exit = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return collected_;
}

std::filesystem::path nicol_program() { return NICOL_EXE; }

Outcome nicol(std::vector<std::string> arguments, As as) {
  return Program(nicol_program(), std::move(arguments), std::move(as)).wait();
}

void write_file(const std::filesystem::path& file, const std::string& text) {
  std::ofstream(file, std::ios::binary) << text;
}

std::string read_file(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

void edit_file(const std::filesystem::path& file, const std::string& from, const std::string& to) {
  std::string text = read_file(file);
  const auto at = text.find(from);
  if (at == std::string::npos) throw std::runtime_error(file.string() + " has no " + from);
  write_file(file, text.replace(at, from.size(), to));
}

}  // namespace nicol::test
