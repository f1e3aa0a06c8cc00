// SPDX-License-Identifier: Apache-2.0
#include "drivers/files/byte_input.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace nicol::files {
namespace {

constexpr std::size_t kLongestLine = 256;

}  // namespace

Error file_error(const std::filesystem::path& path, int error) {
  const Code code = error == ENOENT ? Code::not_found : error == EACCES ? Code::access_denied : Code::io;
  return {code, fmt::format("{}: {}", path.string(), std::strerror(error)), {}, error, {}};
}

Result<FileHandle> open_file(const std::filesystem::path& path, const char* mode) {
  FileHandle file(std::fopen(path.c_str(), mode));
  if (!file) return file_error(path, errno);
  return file;
}

Result<ByteInput> ByteInput::open(const std::filesystem::path& path) {
  Result<FileHandle> file = open_file(path, "rb");
  if (!file) return std::move(file).error();
  std::setvbuf(file->get(), nullptr, _IONBF, 0);  // the window is the buffer
  return ByteInput(*std::move(file), path.string());
}

ByteInput::ByteInput(FileHandle file, std::string name)
    : name_(std::move(name)), file_(std::move(file)), window_(kWindow) {}

Result<std::span<const std::uint8_t>> ByteInput::peek(std::size_t least) {
  if (end_ - begin_ < least && !ended_) {
    std::copy(window_.begin() + static_cast<std::ptrdiff_t>(begin_),
              window_.begin() + static_cast<std::ptrdiff_t>(end_), window_.begin());
    end_ -= begin_;
    begin_ = 0;
    while (end_ < window_.size() && !ended_) {
      const std::size_t got = std::fread(window_.data() + end_, 1, window_.size() - end_, file_.get());
      if (got == 0 && std::ferror(file_.get()) != 0) return file_error(name_, errno);
      ended_ = got == 0;
      end_ += got;
    }
  }
  return std::span<const std::uint8_t>(window_).subspan(begin_, end_ - begin_);
}

void ByteInput::take(std::size_t bytes) noexcept {
  begin_ += bytes;
  offset_ += bytes;
}

Error ByteInput::refuse(std::string_view what, std::uint64_t ahead) const {
  return {Code::bad_input, fmt::format("{}: byte {}: {}", name_, offset_ + ahead, what), {}, 0, {}};
}

Result<std::optional<std::string_view>> LineInput::next() {
  bytes_.take(std::exchange(taken_, 0));
  const auto bytes = bytes_.peek(kLongestLine + 2);
  if (!bytes) return bytes.error();
  if (bytes->empty()) return std::optional<std::string_view>{};
  ++number_;
  const auto first = bytes->first(std::min(bytes->size(), kLongestLine + 2));
  const auto end = std::ranges::find(first, std::uint8_t{'\n'});
  if (end == first.end())
    return refuse(first.size() > kLongestLine ? "longer than any line of this format"
                                              : "the last line has no end: it may be cut; end it with a newline");
  auto length = static_cast<std::size_t>(end - first.begin());
  taken_ = length + 1;
  if (length > 0 && first[length - 1] == '\r') --length;
  return std::optional(std::string_view(reinterpret_cast<const char*>(first.data()), length));
}

Error LineInput::refuse(std::string_view what) const {
  return {Code::bad_input, fmt::format("{}: line {}: {}", bytes_.name(), number_, what), {}, 0, {}};
}

}  // namespace nicol::files
