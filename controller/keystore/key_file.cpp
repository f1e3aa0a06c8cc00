// SPDX-License-Identifier: Apache-2.0
// The key file: a KeyRecord written out completely. The structured bindings fail to compile when a structure gains a
// member that is not written here.
#include "controller/keystore/key_file.hpp"

#include <fmt/format.h>

namespace nicol::keystore {
namespace {

constexpr std::uint32_t kMagic = 0x4b43494e;  // "NICK"
constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kMostBytes = 64u << 20, kMostEntries = 4u << 20, kMostNotes = 256;
constexpr Purpose8 kPurpose = "key-file";

template <class A, class T>
void visit_model(A& a, T& model) {
  auto& [simulated, independent, p_multi, mean, g2, mismatch, preparation, p_source, p_mismatch, p_preparation,
         calibrations] = model;
  static_cast<void>(calibrations);  // the record's notes name them
  a(simulated, independent, p_multi, mean, g2, mismatch, preparation);
  a.choice(p_source, hal::Provenance::measured);
  a.choice(p_mismatch, hal::Provenance::measured);
  a.choice(p_preparation, hal::Provenance::measured);
}

template <class A, class T>
void visit_inputs(A& a, T& inputs) {
  auto& [function, bases, epsilon, p_multi, p_alice, p_bob, receiver, model, qber_abort, verification_bits] = inputs;
  a.choice(function, distillation::LengthFunction::sps_g2);
  a.choice(bases, sifting::KeyBases::both);
  auto& [at, pa, ev, mp] = epsilon;
  a(at, pa, ev, mp, p_multi, p_alice, p_bob);
  a.choice(receiver, hal::ReceiverKind::active);
  visit_model(a, model);
  a(qber_abort, verification_bits);
}

constexpr auto kLeak = [](auto& a, auto& entry) {
  auto& [reason, bits, cost, round] = entry;
  a.choice(reason, sifting::LeakClass::preparation);
  a(bits, cost, round);
};
void visit_ledger(Writer& w, const sifting::LeakLedger& ledger) { w.list(ledger.entries(), kMostEntries, kLeak); }
void visit_ledger(Reader& r, sifting::LeakLedger& ledger) {
  std::vector<sifting::LeakEntry> entries;
  r.list(entries, kMostEntries, kLeak);
  for (const auto& e : entries) ledger.add(e.reason, e.bits, e.cost);
}

template <class A, class T>
void visit_facts(A& a, T& facts) {
  auto& [sifted, sample, key_bits, share, kept, inputs, ledger, corrected] = facts;
  a(sifted);
  for (auto& basis : sample) {
    auto& [bits, errors] = basis;
    a(bits, errors);
  }
  a(key_bits, share, kept);
  visit_inputs(a, inputs);
  visit_ledger(a, ledger);
  a.maybe(corrected);
}

template <class A, class T>
void visit_record(A& a, T& record) {
  auto& [id, block, origin, facts, length, secret_bits, check, epsilon, backing, notes] = record;
  a(id.bytes, block);
  a.choice(origin, Origin::replayed);
  visit_facts(a, facts);
  auto& [ell, bits, abort, phase, gamma_serf, gamma1, gamma2, w_max, mp_key, mp_test, n1, k1] = length;
  a(ell, bits, abort, phase, gamma_serf, gamma1, gamma2, w_max, mp_key, mp_test, n1, k1);
  a(secret_bits, check);
  auto& [sec, cor, auth, total, cumulative] = epsilon;
  a(sec, cor, auth, total, cumulative);
  a.choice(backing, secret::Backing::mlock);
  a.list(notes, kMostNotes, [](auto& archive, auto& note) { archive(note); });
}

template <class A, class T>
void visit(A& a, T& key) {
  a.choice(key.state, KeyState::destroyed);
  a(key.split.pools, key.split.delivery, key.begins);
  auto& [query, answer] = key.settlement;
  a(query.begin, query.end, answer.begin, answer.end);
  visit_record(a, key.record);
}

std::string uuid(const KeyId& id) {
  std::string text;
  for (std::size_t i = 0; i < id.bytes.size(); ++i)
    text += fmt::format("{}{:02x}", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", id.bytes[i]);
  return text;
}

Error bad_file(const std::filesystem::path& path) {
  return {.code = Code::checksum,
          .message = fmt::format("{} was damaged or changed, and is not repaired; the store opens again without that "
                                 "file, but then both nodes need a new pre-shared key if its pool bits were in use",
                                 path.string())};
}

}  // namespace

std::string record_name(const KeyId& id) { return uuid(id) + ".rec"; }
std::string bits_name(const KeyId& id) { return uuid(id) + ".bits"; }
SectionBits sections_of(const Split& split) {
  return {split.pools[0], split.pools[1], split.pools[2], split.pools[3], split.delivery};
}

Result<void> write_key_file(const Folder& folder, const Sealer& sealer, const KeyFile& key, std::string_view what) {
  Writer w;
  w(kMagic, kVersion);
  visit(w, key);
  Bytes bytes = std::move(w).take();
  const Mac mac = sealer.mac(kPurpose, bytes);
  bytes.insert(bytes.end(), mac.begin(), mac.end());
  return folder.replace(record_name(key.record.id), what, bytes);
}

Result<KeyFile> read_key_file(const Folder& folder, const Sealer& sealer, const std::string& name) {
  const std::filesystem::path path = folder.path() / name;
  auto bytes = folder.read(name, kMostBytes);
  if (!bytes) return std::move(bytes).error();
  if (bytes->size() < sizeof(Mac)) return bad_file(path);
  const auto body = std::span<const std::uint8_t>(*bytes).first(bytes->size() - sizeof(Mac));
  Reader r(body);
  std::uint32_t magic = 0;
  std::uint8_t version = 0;
  r(magic, version);
  if (!r.ok() || magic != kMagic) return bad_file(path);
  if (!sealer.mac_matches(kPurpose, body, std::span<const std::uint8_t>(*bytes).last(sizeof(Mac))))
    return bad_file(path);
  if (version > kVersion)
    return Error{.code = Code::not_supported,
                 .message = fmt::format("{} has format {}, this Nicol reads {}", path.string(), version, kVersion)};
  KeyFile key;
  visit(r, key);
  if (!r.complete() || record_name(key.record.id) != name) return bad_file(path);
  return key;
}

}  // namespace nicol::keystore
