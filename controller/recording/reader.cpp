// SPDX-License-Identifier: Apache-2.0
#include "controller/recording/reader.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sodium.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "controller/keystore/files.hpp"

namespace nicol::recording {
namespace {

/// Lies in locked pages.
struct Chunk {
  crypto_secretstream_xchacha20poly1305_state state{};
  std::array<std::uint8_t, kChunkPlain> plain{};
};

/// Up to out.size() bytes; fewer at the end of the file.
Result<std::size_t> read_some(int fd, std::span<std::uint8_t> out, const std::filesystem::path& path) {
  std::size_t used = 0;
  while (used < out.size()) {
    const ssize_t n = ::read(fd, out.data() + used, out.size() - used);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return keystore::file_error("cannot read", path);
    if (n == 0) break;
    used += static_cast<std::size_t>(n);
  }
  return used;
}

}  // namespace

struct Reader::Impl {
  Impl(keystore::Fd file, std::filesystem::path where, secret::LockedKey locked)
      : fd(std::move(file)), path(std::move(where)), memory(std::move(locked)) {}
  keystore::Fd fd;
  std::filesystem::path path;
  secret::LockedKey memory;
  Header header;
  HeaderBytes header_bytes{};
  std::size_t at = 0, size = 0;  // of the open chunk
  std::uint64_t chunks = 0, entries = 0;
  bool final_chunk = false, ended = false;
  std::optional<EntryHead> entry;
  std::uint32_t left = 0;
  std::optional<Error> trouble;
  std::optional<std::string> cut;
  std::array<std::uint8_t, kChunkPlain + kChunkOverhead> sealed{};

  template <class F>
  decltype(auto) with(F&& f) {
    return memory.with_write(
        [&](std::span<std::byte> bytes) -> decltype(auto) { return f(*reinterpret_cast<Chunk*>(bytes.data())); });
  }

  bool wrong(std::string what) {
    trouble = Error{Code::bad_input, fmt::format("{}: {}", path.string(), what), "", 0, {}};
    ended = true;
    return false;
  }
  bool cut_short(std::string what) {
    cut = fmt::format("cut short at {} (entry {})", what, entries);
    ended = true;
    return false;
  }

  /// False at the end of the file, of whatever kind.
  bool next_chunk() {
    if (ended) return false;
    std::array<std::uint8_t, kLengthBytes> length_bytes{};
    const auto got = read_some(fd.get(), length_bytes, path);
    if (!got) return wrong(got.error().message);
    if (final_chunk) {
      if (*got > 0) return wrong("bytes after the end mark");
      ended = true;
      return false;
    }
    if (*got < kLengthBytes) return cut_short(fmt::format("chunk {}, length", chunks));
    const std::uint64_t length = get_le(length_bytes);
    if (length < kChunkOverhead || length > sealed.size())
      return wrong(
          fmt::format("chunk {}, length: {}, expected {} to {}", chunks, length, kChunkOverhead, sealed.size()));
    const auto body = std::span(sealed).first(static_cast<std::size_t>(length));
    const auto read = read_some(fd.get(), body, path);
    if (!read) return wrong(read.error().message);
    if (*read < length)
      return cut_short(fmt::format("chunk {}: its length says {} bytes, the file holds {}", chunks, length, *read));
    return open_chunk(body);
  }

  bool open_chunk(std::span<const std::uint8_t> body) {
    const auto extra = chunks == 0 ? std::span<const std::uint8_t>(header_bytes) : std::span<const std::uint8_t>();
    unsigned char tag = 0;
    const int opened = with([&](Chunk& chunk) {
      return crypto_secretstream_xchacha20poly1305_pull(&chunk.state, chunk.plain.data(), nullptr, &tag, body.data(),
                                                        body.size(), extra.data(), extra.size());
    });
    if (opened != 0)
      return wrong(fmt::format("chunk {}: its seal is broken, bytes were changed, moved or left out", chunks));
    final_chunk = tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL;
    ++chunks;
    at = 0;
    size = body.size() - kChunkOverhead;
    return true;
  }

  /// Across chunks; false when the file ends first.
  bool take(std::span<std::byte> out) {
    while (!out.empty()) {
      while (at == size)
        if (!next_chunk()) return false;
      const std::size_t n = std::min(out.size(), size - at);
      with([&](Chunk& chunk) {
        const auto from = std::as_bytes(std::span(chunk.plain)).subspan(at, n);
        std::copy(from.begin(), from.end(), out.begin());
      });
      at += n;
      out = out.subspan(n);
    }
    return true;
  }

  void load_head() {
    std::array<std::uint8_t, kEntryHead> bytes{};
    if (!take(std::as_writable_bytes(std::span(bytes)))) {
      if (!trouble && !cut) cut_short("its last entry: the end mark stands, the end entry is missing");
      return;
    }
    const std::uint64_t length = get_le(std::span(bytes).subspan(1));
    if (bytes[0] == 0 || bytes[0] > static_cast<std::uint8_t>(kLastEntry))
      return (void)wrong(fmt::format("entry {}, kind: {}", entries, bytes[0]));
    if (length > kLongestEntry) return (void)wrong(fmt::format("entry {}, length: {}", entries, length));
    entry = EntryHead{static_cast<Entry>(bytes[0]), static_cast<std::uint32_t>(length), entries};
    left = entry->length;
    if (entry->kind == Entry::end) finish();
  }

  /// The end entry must be the last thing in the last chunk.
  void finish() {
    entry.reset();
    if (left != 0) return (void)wrong(fmt::format("entry {}, length: an end with {} bytes", entries, left));
    if (at != size) return (void)wrong(fmt::format("entry {}: something stands after the end", entries));
    if (!final_chunk) return (void)wrong(fmt::format("chunk {}: the end entry without an end mark", chunks - 1));
    (void)next_chunk();
  }
};

Reader::Reader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Reader::Reader(Reader&&) noexcept = default;
Reader& Reader::operator=(Reader&&) noexcept = default;
Reader::~Reader() = default;
const Header& Reader::header() const { return impl_->header; }
std::uint32_t Reader::left() const { return impl_->left; }
const std::optional<Error>& Reader::trouble() const { return impl_->trouble; }
const std::optional<std::string>& Reader::why_cut_short() const { return impl_->cut; }

Result<Reader> Reader::open(const std::filesystem::path& file, const SealSecret& secret) {
  keystore::Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.open()) return keystore::file_error("cannot open the recording", file, Code::bad_input);
  auto memory = secret::LockedKey::create(sizeof(Chunk));
  if (!memory) return std::move(memory).error();
  auto impl = std::make_unique<Impl>(std::move(fd), file, *std::move(memory));
  const auto got = read_some(impl->fd.get(), impl->header_bytes, file);
  if (!got) return got.error();
  const auto refuse = [&](const Error& e) {
    return Error{e.code, fmt::format("{}: {}", file.string(), e.message), "", 0, {}};
  };
  auto header = decode_header(std::span(impl->header_bytes).first(*got));
  if (!header) return refuse(header.error());
  if (header->seal != secret.kind)
    return refuse({Code::bad_input,
                   fmt::format("header, seal: sealed with a {}, not a {}",
                               header->seal == SealKind::key_file ? "key file" : "passphrase",
                               secret.kind == SealKind::key_file ? "key file" : "passphrase"),
                   "",
                   0,
                   {}});
  const auto key = stream_key(secret, header->salt, header->cost);
  if (!key) return key.error();
  if (key_check(*key) != header->key_check)
    return refuse({Code::bad_input, "header, key check: it was sealed with another key", "", 0, {}});
  impl->header = *header;
  impl->with([&](Chunk& chunk) {
    key->with_read([&](std::span<const std::byte> k) {
      crypto_secretstream_xchacha20poly1305_init_pull(&chunk.state, header->stream.data(),
                                                      reinterpret_cast<const unsigned char*>(k.data()));
    });
  });
  return Reader(std::move(impl));
}

std::optional<EntryHead> Reader::head() {
  if (!impl_->entry && !impl_->ended) impl_->load_head();
  return impl_->entry;
}

bool Reader::read(std::span<std::byte> out) {
  if (impl_->entry && out.size() <= impl_->left && impl_->take(out)) {
    impl_->left -= static_cast<std::uint32_t>(out.size());
    return true;
  }
  std::fill(out.begin(), out.end(), std::byte{0});
  return false;
}

std::optional<std::vector<std::uint8_t>> Reader::rest(std::size_t most) {
  if (!head() || impl_->left > most) return std::nullopt;
  std::vector<std::uint8_t> out;
  while (impl_->left > 0) {  // grows as the file bears it out
    const std::size_t n = std::min<std::size_t>(impl_->left, kChunkPlain), before = out.size();
    out.resize(before + n);
    if (!read(std::span(out).subspan(before))) return std::nullopt;
  }
  return out;
}

void Reader::done() {
  std::array<std::uint8_t, 4096> gone{};
  while (impl_->entry && impl_->left > 0)
    if (!read(std::span(gone).first(std::min<std::size_t>(impl_->left, gone.size())))) break;
  explicit_bzero(gone.data(), gone.size());
  impl_->left = 0;
  impl_->entry.reset();
  ++impl_->entries;
}

Result<std::optional<std::string>> survey(const std::filesystem::path& file, const SealSecret& secret) {
  auto reader = Reader::open(file, secret);
  if (!reader) return std::move(reader).error();
  while (reader->head()) reader->done();
  if (reader->trouble()) return *reader->trouble();
  return reader->why_cut_short();
}

}  // namespace nicol::recording
