// SPDX-License-Identifier: Apache-2.0
// Records a node: stands between the engine and its session, vault, Random and light, and writes down what passes.
// What it cannot write ends the recording, never the run.
#pragma once

#include <memory>
#include <optional>

#include "controller/recording/recorded_random.hpp"
#include "controller/recording/writer.hpp"
#include "controller/service/light_journal.hpp"
#include "controller/service/recorded_facts.hpp"
#include "controller/session/tap.hpp"
#include "controller/session/vault.hpp"

namespace nicol::service {

/// A session's time while it is recorded: stands still within a call, so that a replay can give it again.
class CallClock final : public Deadlines {
 public:
  std::chrono::steady_clock::time_point now() const noexcept override { return now_; }
  void set(std::chrono::steady_clock::time_point now) noexcept { now_ = now; }

 private:
  std::chrono::steady_clock::time_point now_{};
};

/// The engine's thread only.
class NodeRecorder final : public session::Tap, public LightJournal {
 public:
  NodeRecorder(std::unique_ptr<recording::Writer> to, NodeFacts facts, Random& random, keystore::KeyStore& store);
  ~NodeRecorder() override;

  /// A connection begins.
  void begin_session(const session::SessionConfig& config);
  session::Vault& vault() { return *vault_; }
  Random& random() { return random_; }
  const Deadlines& clock() const { return clock_; }

  void before(const session::CallMade& call) noexcept override;
  void after(const session::Step& step) noexcept override;
  /// Follows from what is written.
  void sifted(std::uint64_t, const sifting::DetectionList&, const sifting::BasesReply&,
              const sifting::SiftedBlock&) override {}
  void act(LightAct act, std::uint64_t a, std::uint64_t b) noexcept override;
  void tags(const hal::TagBlock& block) noexcept override;

  /// Now and then, so that a killed process loses little.
  void flush() noexcept { to_->flush(); }
  void finish() noexcept { to_->finish(); }
  /// Why the recording ended early, told once.
  std::optional<Error> take_trouble();
  const std::filesystem::path& file() const { return to_->file(); }

 private:
  std::unique_ptr<recording::Writer> to_;
  std::unique_ptr<session::Vault> store_, vault_;
  recording::RecordingRandom random_;
  CallClock clock_;
  unsigned tag_bits_ = 64;
  bool told_ = false;
  std::optional<hal::TagBlock> last_;  // of this light; its cover alone
};

/// Digest of a frame without what only its tags say: {type u16, sequence u64, bytes u64, digest 16 B}.
inline constexpr std::size_t kSentBytes = 34;
std::array<std::uint8_t, kSentBytes> sent_digest(std::span<const std::uint8_t> frame, unsigned tag_bits);

}  // namespace nicol::service
