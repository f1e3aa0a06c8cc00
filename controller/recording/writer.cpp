// SPDX-License-Identifier: Apache-2.0
#include "controller/recording/writer.hpp"

#include <fcntl.h>
#include <sodium.h>

#include <algorithm>

#include "controller/keystore/files.hpp"

namespace nicol::recording {
namespace {

using State = crypto_secretstream_xchacha20poly1305_state;
static_assert(kStreamHeaderBytes == crypto_secretstream_xchacha20poly1305_HEADERBYTES);
static_assert(kChunkOverhead == crypto_secretstream_xchacha20poly1305_ABYTES);
static_assert(kSaltBytes == crypto_pwhash_SALTBYTES);

/// Lies in locked pages.
struct Chunk {
  State state{};
  std::array<std::uint8_t, kChunkPlain> plain{};
};

std::array<std::uint8_t, kEntryHead> head_of(Entry entry, std::size_t length) {
  std::array<std::uint8_t, kEntryHead> head{static_cast<std::uint8_t>(entry)};
  put_le(std::span(head).subspan(1), length);
  return head;
}

}  // namespace

struct Writer::Impl {
  Impl(keystore::Fd file_, std::filesystem::path path_, secret::LockedKey memory_)
      : fd(std::move(file_)), path(std::move(path_)), memory(std::move(memory_)) {}
  keystore::Fd fd;
  std::filesystem::path path;
  secret::LockedKey memory;
  HeaderBytes header{};
  std::size_t used = 0;
  bool first = true;
  std::uint64_t written = 0;
  std::array<std::uint8_t, kLengthBytes + kChunkPlain + kChunkOverhead> sealed{};

  template <class F>
  decltype(auto) with(F&& f) {
    return memory.with_write(
        [&](std::span<std::byte> bytes) -> decltype(auto) { return f(*reinterpret_cast<Chunk*>(bytes.data())); });
  }
};

Writer::Writer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Writer::~Writer() { finish(); }
const std::filesystem::path& Writer::file() const { return impl_->path; }
std::uint64_t Writer::bytes_written() const { return impl_->written; }

Result<std::unique_ptr<Writer>> Writer::create(const std::filesystem::path& file, Node node, const SealSecret& secret) {
  Header header;
  header.seal = secret.kind;
  header.node = node;
  if (secret.kind == SealKind::passphrase) header.cost = kPassphraseCost;
  randombytes_buf(header.salt.data(), header.salt.size());
  const auto key = stream_key(secret, header.salt, header.cost);
  if (!key) return key.error();
  header.key_check = key_check(*key);
  auto memory = secret::LockedKey::create(sizeof(Chunk));
  if (!memory) return std::move(memory).error();
  keystore::Fd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.open()) return keystore::file_error("cannot make the recording", file);
  auto impl = std::make_unique<Impl>(std::move(fd), file, *std::move(memory));
  impl->with([&](Chunk& chunk) {
    key->with_read([&](std::span<const std::byte> k) {
      crypto_secretstream_xchacha20poly1305_init_push(&chunk.state, header.stream.data(),
                                                      reinterpret_cast<const unsigned char*>(k.data()));
    });
  });
  impl->header = encode(header);
  if (auto written = keystore::write_all(impl->fd.get(), impl->header, file); !written)
    return std::move(written).error();
  impl->written = kHeaderBytes;
  return std::unique_ptr<Writer>(new Writer(std::move(impl)));
}

void Writer::put(Entry entry, std::initializer_list<Part> parts) noexcept {
  if (finished_ || trouble_) return;
  std::size_t length = 0;
  for (const Part& part : parts) length += part.size();
  append(head_of(entry, length));
  for (const Part& part : parts) append(part);
}

void Writer::append(Part bytes) {
  while (!bytes.empty() && !trouble_) {
    if (impl_->used == kChunkPlain) seal_chunk(0);
    const std::size_t n = std::min(bytes.size(), kChunkPlain - impl_->used);
    impl_->with([&](Chunk& chunk) {
      std::copy_n(bytes.begin(), n, chunk.plain.begin() + static_cast<std::ptrdiff_t>(impl_->used));
    });
    impl_->used += n;
    bytes = bytes.subspan(n);
  }
}

void Writer::put_with_raw(Entry entry, std::size_t most, Fill fill) noexcept {
  if (finished_ || trouble_) return;
  if (kChunkPlain - impl_->used < kEntryHead + most) seal_chunk(0);
  impl_->with([&](Chunk& chunk) {
    const auto room = std::span(chunk.plain).subspan(impl_->used);
    const std::size_t n = fill.call(fill.state, room.subspan(kEntryHead, most));
    const auto head = head_of(entry, n);
    std::copy(head.begin(), head.end(), room.begin());
    impl_->used += kEntryHead + n;
  });
}

void Writer::seal_chunk(unsigned char tag) {
  Impl& i = *impl_;
  const auto extra = i.first ? std::span<const std::uint8_t>(i.header) : std::span<const std::uint8_t>();
  i.with([&](Chunk& chunk) {
    crypto_secretstream_xchacha20poly1305_push(&chunk.state, i.sealed.data() + kLengthBytes, nullptr,
                                               chunk.plain.data(), i.used, extra.data(), extra.size(), tag);
    sodium_memzero(chunk.plain.data(), i.used);
  });
  const std::size_t length = i.used + kChunkOverhead;
  put_le(std::span(i.sealed).first(kLengthBytes), length);
  i.used = 0;
  i.first = false;
  const auto written = keystore::write_all(i.fd.get(), std::span(i.sealed).first(kLengthBytes + length), i.path);
  if (!written) {
    trouble_ = written.error();
    return;
  }
  i.written += kLengthBytes + length;
}

void Writer::flush() noexcept {
  if (!finished_ && !trouble_ && impl_->used > 0) seal_chunk(0);
}

void Writer::finish() noexcept {
  if (finished_) return;
  put(Entry::end, {});
  finished_ = true;
  if (!trouble_) seal_chunk(crypto_secretstream_xchacha20poly1305_TAG_FINAL);
}

}  // namespace nicol::recording
