// SPDX-License-Identifier: Apache-2.0
// Looks for copies of key material in the whole memory of a process: every mapping, every byte offset, from outside.
// The patterns are held masked, so that neither they nor the scanner count as copies.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "drivers/hal/result.hpp"

namespace nicol::test {

/// At least this many bytes: fewer match by chance.
constexpr std::size_t shortest_pattern = 16;

/// A secret XORed with random bytes. Call of() inside the scope that has the secret open.
class MaskedPattern {
 public:
  /// std::length_error below shortest_pattern bytes.
  static MaskedPattern of(std::span<const std::byte> secret, std::string label = {});
  std::size_t size() const { return masked_.size(); }
  const std::string& label() const { return label_; }
  std::uint8_t byte(std::size_t i) const { return static_cast<std::uint8_t>(masked_[i] ^ mask_[i]); }
  /// For handing a pattern to another process: mask and masked bytes, one after the other.
  std::string packed() const;
  static MaskedPattern unpacked(const std::string& packed, std::string label = {});

 private:
  std::vector<std::uint8_t> masked_, mask_;
  std::string label_;
};

/// Patterns for fragments: each `window` bytes of the secret, `step` bytes apart. A leaked fragment of
/// window + step - 1 bytes holds at least one of them.
std::vector<MaskedPattern> mask_windows(std::span<const std::byte> secret, std::size_t window, std::size_t step,
                                        const std::string& label = {});

struct ScanOptions {
  std::size_t stride = 1;  // only addresses that are multiples of it: 1 finds every copy, 8 is for aligned words
};
struct ScanHit {
  std::size_t pattern = 0;  // index into the patterns given
  std::uint64_t address = 0;
  std::string mapping;  // name of the mapping, its permissions when it has none
};
struct ScanReport {
  std::size_t copies = 0;     // all hits of all patterns
  std::vector<ScanHit> hits;  // the first 1000
  std::uint64_t bytes_read = 0;
  std::uint64_t bytes_refused = 0;   // mapped but unreadable even for the scanner: guard pages, memfd_secret
  std::vector<std::string> skipped;  // mappings over 256 GiB (shadow memory of the sanitizers)
};
std::string describe(const ScanReport& report);

/// A child of the caller reads /proc/PID/mem of `pid`, which may be the caller itself; the caller waits meanwhile, but
/// its other threads run. access_denied where the kernel forbids it (not root, not dumpable, Yama): skip the test.
Result<ScanReport> scan_process(pid_t pid, std::span<const MaskedPattern> patterns, ScanOptions options = {});
Result<std::size_t> count_copies(pid_t pid, std::span<const MaskedPattern> patterns);
/// The same search in a file, a core dump for one. io when it cannot be read.
Result<std::size_t> count_in_file(const std::filesystem::path& file, std::span<const MaskedPattern> patterns);

}  // namespace nicol::test
