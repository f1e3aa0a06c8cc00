// SPDX-License-Identifier: Apache-2.0
// The file of a one-time pad: its header, and an output that appears whole or not at all.
#pragma once

#include <array>

#include "controller/app/otp/otp.hpp"
#include "controller/keystore/files.hpp"

namespace nicol::app::detail {

inline constexpr std::size_t kOtpHeaderBytes = 8 + 3 + 16 + 8 + 8;
inline constexpr std::size_t kOtpTagBytes = 16;

struct OtpHeader {
  keystore::Pool pool = keystore::Pool::otp_ab;
  keystore::Origin origin = keystore::Origin::simulated;
  std::array<std::uint8_t, 16> fingerprint{};
  std::uint64_t first_bit = 0, message_bytes = 0;

  keystore::Interval interval() const { return {first_bit, first_bit + kOtpTagBits + 8 * message_bytes}; }
  keystore::Bytes encode() const;
};

struct OtpInput {
  keystore::Fd file;
  std::filesystem::path path;
  std::uint64_t bytes = 0;
};
/// A regular file.
Result<OtpInput> open_input(const std::filesystem::path& path);
/// Exactly out.size() bytes from here on; bad_input when the file ends before.
Result<void> read_exactly(const OtpInput& input, std::span<std::byte> out);
/// The header at the start of a file whose size is what the header says.
Result<OtpHeader> read_header(const OtpInput& input);

/// Written aside with mode 0600; commit() syncs and renames. Without it nothing stays.
class OtpOutput {
 public:
  static Result<OtpOutput> create(const std::filesystem::path& path);
  OtpOutput(OtpOutput&&) noexcept;
  OtpOutput& operator=(OtpOutput&&) = delete;
  ~OtpOutput();
  Result<void> write(std::span<const std::uint8_t> bytes);
  Result<void> commit(const keystore::FaultPoint& fault) &&;

 private:
  OtpOutput(keystore::Fd file, std::filesystem::path path) : file_(std::move(file)), path_(std::move(path)) {}
  std::filesystem::path aside() const { return path_.string() + ".otp-tmp"; }
  keystore::Fd file_;
  std::filesystem::path path_;
};

inline void at(const keystore::FaultPoint& fault, std::string_view name) {
  if (fault) fault(name);
}

}  // namespace nicol::app::detail
