// SPDX-License-Identifier: Apache-2.0
// Files of a one-time pad: header, exact reads, all-or-nothing writes.
#include "controller/app/otp/otp_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace nicol::app::detail {
namespace {

using keystore::file_error;

constexpr std::array<std::uint8_t, 8> kMagic{'N', 'I', 'C', 'O', 'L', 'O', 'T', 'P'};
constexpr std::uint8_t kVersion = 1;
constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 48;  // keeps every bit count far from 2^64

template <class A, class H>
void visit(A& a, H& header) {
  a.choice(header.pool, keystore::Pool::otp_ba);
  a.choice(header.origin, keystore::Origin::replayed);
  a(header.fingerprint, header.first_bit, header.message_bytes);
}

Error not_ours(const std::filesystem::path& path, std::string_view why) {
  return {.code = Code::bad_input,
          .message = fmt::format("{} is no whole one-time-pad file: {}; no bits were spent", path.string(), why)};
}

}  // namespace

keystore::Bytes OtpHeader::encode() const {
  keystore::Writer w;
  w(kMagic, kVersion);
  visit(w, *this);
  return std::move(w).take();
}

Result<OtpInput> open_input(const std::filesystem::path& path) {
  keystore::Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.open()) return file_error("cannot open", path, errno == ENOENT ? Code::not_found : Code::io);
  struct stat s {};
  if (::fstat(file.get(), &s) != 0) return file_error("cannot look at", path);
  if (!S_ISREG(s.st_mode) || static_cast<std::uint64_t>(s.st_size) > kMostBytes)
    return Error{.code = Code::bad_input,
                 .message = fmt::format("{} must be a regular file of at most {} bytes", path.string(), kMostBytes)};
  return OtpInput{.file = std::move(file), .path = path, .bytes = static_cast<std::uint64_t>(s.st_size)};
}

Result<void> read_exactly(const OtpInput& input, std::span<std::byte> out) {
  while (!out.empty()) {
    const ssize_t n = ::read(input.file.get(), out.data(), out.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return file_error("cannot read", input.path);
    if (n == 0)
      return Error{.code = Code::bad_input,
                   .message = fmt::format("{} became shorter while it was read", input.path.string())};
    out = out.subspan(static_cast<std::size_t>(n));
  }
  return {};
}

Result<OtpHeader> read_header(const OtpInput& input) {
  if (input.bytes < kOtpHeaderBytes + kOtpTagBytes)
    return not_ours(input.path,
                    fmt::format("{} bytes, expected at least {}", input.bytes, kOtpHeaderBytes + kOtpTagBytes));
  keystore::Bytes bytes(kOtpHeaderBytes);
  if (auto read = read_exactly(input, std::as_writable_bytes(std::span(bytes))); !read) return std::move(read).error();
  keystore::Reader r(bytes);
  std::array<std::uint8_t, 8> magic{};
  std::uint8_t version = 0;
  r(magic, version);
  if (magic != kMagic) return not_ours(input.path, "it does not begin as one");
  if (version > kVersion)
    return Error{
        .code = Code::not_supported,
        .message = fmt::format("{} has format {}, this Nicol reads {}", input.path.string(), version, kVersion)};
  if (version == 0) return not_ours(input.path, "it has no format version");
  OtpHeader header;
  visit(r, header);
  const std::uint64_t most = std::uint64_t{1} << 62;
  if (!r.complete() || header.message_bytes > kMostBytes || header.first_bit > most)
    return not_ours(input.path, "its header is out of range");
  const std::uint64_t expected = kOtpHeaderBytes + header.message_bytes + kOtpTagBytes;
  if (input.bytes != expected) return not_ours(input.path, fmt::format("{} bytes, expected {}", input.bytes, expected));
  return header;
}

Result<OtpOutput> OtpOutput::create(const std::filesystem::path& path) {
  OtpOutput output(keystore::Fd(), path);
  ::unlink(output.aside().c_str());  // of a run that was killed
  output.file_ =
      keystore::Fd(::open(output.aside().c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!output.file_.open()) return file_error("cannot make", output.aside());
  return output;
}

OtpOutput::OtpOutput(OtpOutput&& other) noexcept : file_(std::move(other.file_)), path_(std::move(other.path_)) {}

OtpOutput::~OtpOutput() {
  if (file_.open()) ::unlink(aside().c_str());
}

Result<void> OtpOutput::write(std::span<const std::uint8_t> bytes) {
  return keystore::write_all(file_.get(), bytes, aside());
}

Result<void> OtpOutput::commit(const keystore::FaultPoint& fault) && {
  at(fault, "otp.written");
  if (auto synced = keystore::sync_file(file_.get(), aside()); !synced) return synced;
  at(fault, "otp.fsync");
  if (::rename(aside().c_str(), path_.c_str()) != 0) return file_error("cannot rename to", path_);
  file_ = keystore::Fd();
  at(fault, "otp.rename");
  const std::filesystem::path folder = path_.has_parent_path() ? path_.parent_path() : ".";
  const keystore::Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.open()) return file_error("cannot open folder", folder);
  auto synced = keystore::sync_file(fd.get(), folder);
  at(fault, "otp.dirsync");
  return synced;
}

}  // namespace nicol::app::detail
