// SPDX-License-Identifier: Apache-2.0
#include "drivers/files/byte_output.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <string.h>  // explicit_bzero
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace nicol::files {
namespace {

constexpr std::size_t kBuffer = std::size_t{64} * 1024;

}  // namespace

Result<ByteOutput> ByteOutput::create(const std::filesystem::path& path, Readers readers) {
  std::filesystem::path partial = path;
  partial += ".partial";
  const int fd =
      ::open(partial.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, readers == Readers::owner ? 0600 : 0666);
  if (fd < 0) return file_error(partial, errno);
  FileHandle file(::fdopen(fd, "wb"));
  if (!file) {
    const int error = errno;
    ::close(fd);
    return file_error(partial, error);
  }
  std::setvbuf(file.get(), nullptr, _IONBF, 0);
  return ByteOutput(path, std::move(partial), std::move(file));
}

ByteOutput::ByteOutput(std::filesystem::path path, std::filesystem::path partial, FileHandle file)
    : path_(std::move(path)), partial_(std::move(partial)), file_(std::move(file)) {
  buffer_.reserve(kBuffer);
}

ByteOutput::~ByteOutput() {
  if (!buffer_.empty()) explicit_bzero(buffer_.data(), buffer_.size());
  if (!file_) return;
  file_.reset();
  std::error_code ignored;
  std::filesystem::remove(partial_, ignored);
}

Result<void> ByteOutput::flush() {
  const std::size_t bytes = buffer_.size();
  const bool written = std::fwrite(buffer_.data(), 1, bytes, file_.get()) == bytes;
  const int error = errno;
  explicit_bzero(buffer_.data(), bytes);  // keys come this way, too
  buffer_.clear();
  return written ? Result<void>{} : file_error(partial_, error);
}

Result<void> ByteOutput::put(std::span<const std::uint8_t> bytes) {
  size_ += bytes.size();
  while (!bytes.empty()) {
    if (buffer_.size() == kBuffer)
      if (auto ok = flush(); !ok) return ok;
    const auto now = bytes.first(std::min(bytes.size(), kBuffer - buffer_.size()));
    buffer_.insert(buffer_.end(), now.begin(), now.end());
    bytes = bytes.subspan(now.size());
  }
  return {};
}

Result<void> ByteOutput::put(std::string_view text) {
  return put(std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

Result<void> ByteOutput::patch(std::uint64_t offset, std::span<const std::uint8_t> bytes) {
  if (auto ok = flush(); !ok) return ok;
  const bool written = std::fseek(file_.get(), static_cast<long>(offset), SEEK_SET) == 0 &&
                       std::fwrite(bytes.data(), 1, bytes.size(), file_.get()) == bytes.size() &&
                       std::fseek(file_.get(), 0, SEEK_END) == 0;
  return written ? Result<void>{} : file_error(partial_, errno);
}

Result<void> ByteOutput::commit() {
  if (auto ok = flush(); !ok) return ok;
  if (::fsync(::fileno(file_.get())) != 0 && errno != EINVAL) return file_error(partial_, errno);
  std::error_code failure;
  std::filesystem::rename(partial_, path_, failure);
  if (failure) return file_error(path_, failure.value());
  file_.reset();
  return {};
}

}  // namespace nicol::files
