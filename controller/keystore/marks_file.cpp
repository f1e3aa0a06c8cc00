// SPDX-License-Identifier: Apache-2.0
// The two copies of the marks: fixed size, written in place, so that a full disk cannot stop a mark.
#include "controller/keystore/marks_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

namespace nicol::keystore {
namespace {

constexpr std::uint32_t kMagic = 0x4d43494e;  // "NICM"
constexpr std::uint8_t kVersion = 2, kWithHeads = 2;
constexpr std::size_t kHead = 4 + 1 + 4;  // magic | version | length of the body
constexpr std::size_t kFileBytes = std::size_t{64} * 1024;
constexpr Purpose8 kPurpose = "marks...";
const std::array<std::string, 2> kNames{"marks.0", "marks.1"};
constexpr std::array<std::string_view, 2> kWhat{"marks.first", "marks.second"};

constexpr auto kInterval = [](auto& a, auto& i) { a(i.begin, i.end); };
constexpr auto kPad = [](auto& a, auto& p) {
  a(p.owner.bytes);
  a.choice(p.pool, Pool::otp_ba);
  kInterval(a, p.interval);
};
constexpr auto kRemembered = [](auto& a, auto& r) {
  a(r.id.bytes);
  std::uint8_t verdict = r.verdict ? static_cast<std::uint8_t>(1 + static_cast<int>(*r.verdict)) : std::uint8_t{0};
  a(verdict);
  if constexpr (std::remove_reference_t<decltype(a)>::kReads) {
    if (verdict > 2) return a.fail();
    r.verdict.reset();
    if (verdict != 0) r.verdict = static_cast<Verdict::Kind>(verdict - 1);
  }
  kInterval(a, r.settlement.query_ba);
  kInterval(a, r.settlement.answer_ab);
};

constexpr auto kHeadOfRow = [](auto& a, auto& h) { a(h.row, h.count, h.forgotten, h.id); };

template <class A, class L>
void visit(A& a, L& ledger, std::uint8_t version) {
  a(ledger.generation);
  for (auto& pool : ledger.pools) {
    a(pool.mark, pool.end, pool.confirmed);
    a.list(pool.gaps.parts(), kMostGaps, kInterval);
  }
  a.list(ledger.pads, kMostPads, kPad);
  a.list(ledger.remembered, kMostRemembered, kRemembered);
  a(ledger.next_block, ledger.epsilon);
  if (version >= kWithHeads) a.list(ledger.heads, kMostHeads, kHeadOfRow);
}

void keep_larger(std::vector<RecordHead>& heads, const RecordHead& other) {
  const auto it = std::ranges::find(heads, other.row, &RecordHead::row);
  if (it == heads.end())
    heads.push_back(other);
  else if (std::pair(it->count, it->forgotten) < std::pair(other.count, other.forgotten))
    *it = other;
}

Bytes encode(const Sealer& sealer, const Ledger& ledger) {
  Writer body;
  visit(body, ledger, kVersion);
  Writer file;
  file(kMagic, kVersion, static_cast<std::uint32_t>(body.bytes().size()));
  Bytes bytes = std::move(file).take();
  bytes.insert(bytes.end(), body.bytes().begin(), body.bytes().end());
  const Mac mac = sealer.mac(kPurpose, bytes);
  bytes.insert(bytes.end(), mac.begin(), mac.end());
  return bytes;
}

struct Decoded {
  std::optional<Ledger> ledger;
  bool newer = false;  // a later Nicol may have written it
};
Decoded decode(const Sealer& sealer, std::span<const std::uint8_t> bytes) {
  Reader head(bytes.first(std::min(kHead, bytes.size())));
  std::uint32_t magic = 0, length = 0;
  std::uint8_t version = 0;
  head(magic, version, length);
  if (!head.ok() || magic != kMagic) return {};
  if (version > kVersion) return {.ledger = {}, .newer = true};
  if (length > bytes.size() - kHead || bytes.size() - kHead - length < sizeof(Mac)) return {};
  if (!sealer.mac_matches(kPurpose, bytes.first(kHead + length), bytes.subspan(kHead + length, sizeof(Mac)))) return {};
  Reader body(bytes.subspan(kHead, length));
  Ledger ledger;
  visit(body, ledger, version);
  if (!body.complete()) return {};
  return {.ledger = std::move(ledger), .newer = false};
}

Result<void> write_in_place(int fd, const Bytes& bytes, const std::filesystem::path& path) {
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t n = ::pwrite(fd, bytes.data() + done, bytes.size() - done, static_cast<off_t>(done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return file_error("cannot write", path, Code::hardware_fault);
    done += static_cast<std::size_t>(n);
  }
  return {};
}

Error dead(const Folder& folder, bool newer) {
  return {.code = newer ? Code::not_supported : Code::checksum,
          .message = fmt::format("both copies of the marks in {} are unreadable ({}): its pools are dead and are not "
                                 "repaired, because no one can say which bits were used; destroy both nodes' state "
                                 "folders and start again from a new pre-shared key",
                                 folder.path().string(), newer ? "or written by a newer Nicol" : "damaged")};
}

}  // namespace

Ledger larger(const Ledger& a, const Ledger& b) {
  Ledger result = a.generation >= b.generation ? a : b;
  const Ledger& other = a.generation >= b.generation ? b : a;
  for (std::size_t i = 0; i < result.pools.size(); ++i) {
    result.pools[i].mark = std::max(result.pools[i].mark, other.pools[i].mark);
    result.pools[i].end = std::max(result.pools[i].end, other.pools[i].end);
    result.pools[i].confirmed = std::max(result.pools[i].confirmed, other.pools[i].confirmed);
  }
  result.next_block = std::max(result.next_block, other.next_block);
  result.epsilon = std::max(result.epsilon, other.epsilon);
  for (const RecordHead& head : other.heads) keep_larger(result.heads, head);
  return result;
}

Result<void> MarksFile::create(const Folder& folder, const Sealer& sealer, const Ledger& first) {
  Bytes bytes = encode(sealer, first);
  bytes.resize(kFileBytes);
  for (const std::string& name : kNames)
    if (auto written = folder.replace(name, "import.marks", bytes); !written) return written;
  return {};
}

Result<MarksFile::Loaded> MarksFile::open(const Folder& folder, const Sealer& sealer) {
  std::array<Decoded, 2> copies;
  for (std::size_t i = 0; i < 2; ++i)
    if (auto bytes = folder.read(kNames[i], kFileBytes)) copies[i] = decode(sealer, *bytes);
  if (!copies[0].ledger && !copies[1].ledger) return dead(folder, copies[0].newer || copies[1].newer);
  std::array<Fd, 2> files;
  for (std::size_t i = 0; i < 2; ++i) {
    auto file = folder.open_file(kNames[i], O_RDWR | O_CREAT);
    if (!file) return std::move(file).error();
    files[i] = std::move(file).value();
  }
  MarksFile marks(std::move(files[0]), std::move(files[1]));
  if (copies[0].ledger && copies[1].ledger && copies[0].ledger->generation == copies[1].ledger->generation)
    return Loaded{.file = std::move(marks), .ledger = std::move(*copies[0].ledger), .torn_copies = 0};
  return heal(std::move(marks), folder, sealer, std::move(copies[0].ledger), std::move(copies[1].ledger));
}

// A crash between the two copies, or a damaged one. The worse copy is written first: until it is whole again, the
// better one is all there is.
Result<MarksFile::Loaded> MarksFile::heal(MarksFile marks, const Folder& folder, const Sealer& sealer,
                                          std::optional<Ledger> first, std::optional<Ledger> second) {
  Ledger ledger = first && second ? larger(*first, *second) : first ? *first : *second;
  ++ledger.generation;
  const std::size_t worse = !first || (second && first->generation < second->generation) ? 0 : 1;
  const Bytes bytes = encode(sealer, ledger);
  for (const std::size_t copy : {worse, 1 - worse})
    if (auto written = marks.write_copy(copy, folder, bytes); !written) return std::move(written).error();
  return Loaded{.file = std::move(marks), .ledger = std::move(ledger), .torn_copies = first && second ? 0u : 1u};
}

Result<void> MarksFile::write(const Folder& folder, const Sealer& sealer, const Ledger& ledger) const {
  const Bytes bytes = encode(sealer, ledger);
  for (std::size_t copy = 0; copy < copies_.size(); ++copy)
    if (auto written = write_copy(copy, folder, bytes); !written) return written;
  return {};
}

Result<void> MarksFile::write_copy(std::size_t copy, const Folder& folder, const Bytes& bytes) const {
  const std::filesystem::path path = folder.path() / kNames[copy];
  folder.at(kWhat[copy], "write");
  if (auto written = write_in_place(copies_[copy].get(), bytes, path); !written) return written;
  folder.at(kWhat[copy], "written");
  if (auto synced = sync_data(copies_[copy].get(), path); !synced) return synced;
  folder.at(kWhat[copy], "fsync");
  return {};
}

}  // namespace nicol::keystore
