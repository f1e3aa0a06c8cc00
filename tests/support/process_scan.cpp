// SPDX-License-Identifier: Apache-2.0
// The scan of a process: a forked child reads and searches, its findings come back as lines of text.
#include "tests/support/process_scan.hpp"

#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <sstream>

#include "tests/support/pattern_search.hpp"
#include "tests/support/process_maps.hpp"

namespace nicol::test {
namespace {

constexpr std::uint64_t page = 4096, chunk = std::uint64_t{1} << 20, most_hits = 1000;
constexpr std::uint64_t look_for_holes_above = std::uint64_t{64} << 20, too_big = std::uint64_t{256} << 30;

class Scanner {
 public:
  Scanner(pid_t pid, std::span<const MaskedPattern> patterns, ScanOptions options)
      : search_(patterns),
        stride_(options.stride),
        pid_(pid),
        buffer_(chunk + search_.longest()),
        look_ahead_((search_.longest() / page + 1) * page),
        pages_((chunk + look_ahead_) / page) {}
  ~Scanner() {
    if (memory_ >= 0) close(memory_);
    if (pagemap_ >= 0) close(pagemap_);
  }
  Scanner(const Scanner&) = delete;
  Scanner& operator=(const Scanner&) = delete;

  Result<ScanReport> run() {
    const auto maps = read_maps(pid_);
    if (!maps.ok()) return maps.error();
    memory_ = open_of("mem");
    pagemap_ = open_of("pagemap");
    if (memory_ < 0)
      return Error{Code::access_denied, fmt::format("/proc/{}/mem: {}", pid_, std::strerror(errno)), "", errno, {}};
    for (const MemoryMap& map : *maps) scan(map);
    if (report_.bytes_read == 0)
      return Error{Code::access_denied, fmt::format("nothing of process {} can be read", pid_), "", 0, {}};
    return report_;
  }

 private:
  int open_of(const char* what) const { return open(fmt::format("/proc/{}/{}", pid_, what).c_str(), O_RDONLY); }

  void scan(const MemoryMap& map) {
    if (map.name == "[vvar]" || map.name == "[vsyscall]" || map.name == "[vvar_vclock]") return;
    const bool never_touched = map.size() > look_for_holes_above && map.resident_kib + map.swapped_kib == 0;
    if (never_touched) return;
    if (map.size() > too_big) {
      report_.skipped.push_back(fmt::format("{:x}-{:x} {}", map.begin, map.end, map.permissions));
      return;
    }
    for (std::uint64_t at = map.begin; at < map.end;) at = scan_from(map, at);
  }

  // Reads one chunk and an overlap, so that a copy across the border is found; returns where to go on.
  std::uint64_t scan_from(const MemoryMap& map, std::uint64_t at) {
    const Run run = map.size() > look_for_holes_above ? next_run(at, map.end) : Run{at, map.end, map.end};
    if (run.begin == run.end) return run.end;
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(buffer_.size(), run.end - run.begin));
    const ssize_t got = pread(memory_, buffer_.data(), wanted, static_cast<off_t>(run.begin));
    if (got <= 0) {
      report_.bytes_refused += page;
      return run.begin + page;
    }
    const auto size = static_cast<std::uint64_t>(got);
    const std::uint64_t starts = std::min({size, chunk, run.last_start - run.begin});
    find(map, run.begin, std::span(buffer_).first(size), starts);
    report_.bytes_read += starts;
    return run.begin + starts;
  }

  struct Run {
    std::uint64_t begin = 0, end = 0;
    std::uint64_t last_start = 0;  // matches from here on belong to the next run, which sees more
  };

  // The next stretch of pages that exist. Reading one that does not would make it: the kernel puts its zero page there,
  // up to 2 MiB at once, and the rest of a huge mapping would follow.
  Run next_run(std::uint64_t at, std::uint64_t end) {
    const std::uint64_t in_chunk = std::min(chunk, end - at) / page;
    const std::uint64_t in_view = std::min(chunk + look_ahead_, end - at) / page;
    const auto bytes = static_cast<std::size_t>(in_view * sizeof(std::uint64_t));
    const ssize_t got = pread(pagemap_, pages_.data(), bytes, static_cast<off_t>(at / page * sizeof(std::uint64_t)));
    if (got != static_cast<ssize_t>(bytes)) return {at, end, end};
    std::uint64_t first = 0, last = 0;
    while (first < in_chunk && !exists(first)) ++first;
    if (first == in_chunk) return {at + in_chunk * page, at + in_chunk * page, 0};
    for (last = first; last < in_view && exists(last);) ++last;
    const bool goes_on = last == in_view && at + in_view * page < end;
    const std::uint64_t run_end = at + last * page;
    return {at + first * page, run_end, goes_on ? at + in_chunk * page : run_end};
  }
  bool exists(std::uint64_t index) const { return pages_[index] >> 62 != 0; }  // present or swapped

  void find(const MemoryMap& map, std::uint64_t base, std::span<const std::uint8_t> data, std::uint64_t starts) {
    for (const auto& match : search_.find(data, starts)) {
      const std::uint64_t address = base + match.offset;
      if (address % stride_ != 0) continue;
      if (++report_.copies <= most_hits)
        report_.hits.push_back({match.pattern, address, map.name.empty() ? map.permissions : map.name});
    }
  }

  PatternSearch search_;
  std::size_t stride_;
  pid_t pid_;
  std::vector<std::uint8_t> buffer_;
  std::uint64_t look_ahead_;
  std::vector<std::uint64_t> pages_;  // of /proc/PID/pagemap
  int memory_ = -1, pagemap_ = -1;
  ScanReport report_;
};

std::string to_lines(const Result<ScanReport>& result) {
  if (!result.ok()) return fmt::format("E {}\n", result.error().message);
  std::string text = fmt::format("C {} {} {}\n", result->copies, result->bytes_read, result->bytes_refused);
  for (const ScanHit& hit : result->hits) text += fmt::format("H {} {} {}\n", hit.pattern, hit.address, hit.mapping);
  for (const std::string& name : result->skipped) text += fmt::format("S {}\n", name);
  return text + "D\n";
}

Result<ScanReport> from_lines(const std::string& text) {
  ScanReport report;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line.substr(std::min<std::size_t>(line.size(), 2)));
    ScanHit hit;
    switch (line.empty() ? ' ' : line[0]) {
      case 'E':
        return Error{Code::access_denied, line.substr(2), "", 0, {}};
      case 'C':
        fields >> report.copies >> report.bytes_read >> report.bytes_refused;
        break;
      case 'H':
        fields >> hit.pattern >> hit.address >> std::ws;
        std::getline(fields, hit.mapping);
        report.hits.push_back(hit);
        break;
      case 'S':
        report.skipped.push_back(line.substr(2));
        break;
      case 'D':
        return report;
      default:
        break;
    }
  }
  return Error{Code::internal, "the scanning process ended early", "", 0, {}};
}

void write_all(int fd, const std::string& text) {
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t n = write(fd, text.data() + done, text.size() - done);
    if (n <= 0) return;
    done += static_cast<std::size_t>(n);
  }
}

std::string read_all(int fd) {
  std::string text;
  std::array<char, 4096> buffer;
  for (ssize_t n = 0; (n = read(fd, buffer.data(), buffer.size())) > 0;)
    text.append(buffer.data(), static_cast<std::size_t>(n));
  return text;
}

}  // namespace

Result<ScanReport> scan_process(pid_t pid, std::span<const MaskedPattern> patterns, ScanOptions options) {
  std::array<int, 2> ends{};
  if (options.stride == 0) return Error{Code::bad_input, "a stride of 0", "", 0, {}};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return Error{Code::io, "pipe", "", errno, {}};
  const pid_t child = fork();
  if (child < 0) return Error{Code::io, "fork", "", errno, {}};
  if (child == 0) {
    Scanner scanner(pid, patterns, options);
    write_all(ends[1], to_lines(scanner.run()));
    _exit(0);
  }
  close(ends[1]);
  const std::string text = read_all(ends[0]);
  close(ends[0]);
  waitpid(child, nullptr, 0);
  return from_lines(text);
}

Result<std::size_t> count_copies(pid_t pid, std::span<const MaskedPattern> patterns) {
  auto report = scan_process(pid, patterns);
  if (!report.ok()) return std::move(report).error();
  return report->copies;
}

std::string describe(const ScanReport& report) {
  std::string text = fmt::format("{} copies in {} bytes read, {} bytes refused", report.copies, report.bytes_read,
                                 report.bytes_refused);
  for (const ScanHit& hit : report.hits)
    text += fmt::format("\n  pattern {} at {:#x} in {}", hit.pattern, hit.address, hit.mapping);
  for (const std::string& name : report.skipped) text += fmt::format("\n  skipped {}", name);
  return text;
}

}  // namespace nicol::test
