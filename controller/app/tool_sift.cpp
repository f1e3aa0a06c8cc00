// SPDX-License-Identifier: Apache-2.0
// nicol tool sift: two recordings of a pair source to the sifted bits of both sides.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <nlohmann/json.hpp>

#include "controller/app/pair_files.hpp"
#include "controller/detection/pairs/pair_sifter.hpp"
#include "controller/secret/bit_string.hpp"
#include "controller/service/tcp.hpp"

namespace nicol::app {
namespace {

using namespace detection::pairs;

/// Bits to a file of mode 0600, through one locked buffer: bit k is byte k/8, bit k%8.
class BitWriter {
 public:
  static Result<BitWriter> create(const std::filesystem::path& path) {
    BitWriter writer;
    writer.path_ = path;
    if (path.empty()) return writer;
    writer.file_ = service::Descriptor(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!writer.file_) return writer.failed();
    writer.buffer_ = secret::BitString(kBits);
    return writer;
  }
  Result<void> add(bool bit) {
    if (!file_) return {};
    buffer_.with_write(
        [&](std::span<std::uint64_t> words) { words[held_ / 64] |= static_cast<std::uint64_t>(bit) << (held_ % 64); });
    return ++held_ == kBits ? flush() : Result<void>();
  }
  Result<void> flush() {
    if (!file_) return {};
    const bool written = buffer_.with_write([&](std::span<std::uint64_t> words) {
      const auto* at = reinterpret_cast<const char*>(words.data());
      for (std::size_t left = (held_ + 7) / 8; left > 0;) {
        const ssize_t n = ::write(file_.get(), at, left);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        at += n;
        left -= static_cast<std::size_t>(n);
      }
      std::fill(words.begin(), words.end(), 0);
      return true;
    });
    held_ = 0;
    if (!written) return failed();
    return {};
  }

 private:
  static constexpr std::size_t kBits = 32'768;
  Error failed() const {
    return {Code::io, fmt::format("{}: {}", path_.string(), std::strerror(errno)), "", errno, {}};
  }
  std::filesystem::path path_;
  service::Descriptor file_;
  secret::BitString buffer_;
  std::size_t held_ = 0;
};

Error expected(const char* option, const std::string& given, const char* what) {
  return {Code::bad_input, fmt::format("{} {}: expected {}", option, given, what), "", 0, {}};
}

Result<PairSifter> sifter_of(const ToolOptions& options) {
  if (options.state != "psi-minus" && options.state != "phi-plus")
    return expected("--state", options.state, "psi-minus or phi-plus");
  const PairState state = options.state == "psi-minus" ? PairState::psi_minus : PairState::phi_plus;
  if (options.multi == "drop") return PairSifter(state, MultiClicks::drop, 0);
  const std::string_view rule = "random:";
  std::uint64_t seed = 0;
  if (options.multi.rfind(rule, 0) == 0) {
    const char *begin = options.multi.data() + rule.size(), *end = options.multi.data() + options.multi.size();
    const auto parsed = std::from_chars(begin, end, seed);
    if (parsed.ec == std::errc() && parsed.ptr == end && begin != end)
      return PairSifter(state, MultiClicks::random, seed);
  }
  return expected("--multi", options.multi, "drop or random:SEED");
}

nlohmann::json qber_of(const BasisCounts& counts) {
  if (counts.bits == 0) return nullptr;
  return static_cast<double>(counts.errors) / static_cast<double>(counts.bits);
}

struct Sifted {
  TrackReport report;
  std::uint64_t multi_clicks = 0;
  std::array<BasisCounts, 2> counts{};
};

Result<Sifted> sift(const ToolOptions& options, const Context& context) {
  if (options.alice_bits.empty() != options.bob_bits.empty())
    return Error{Code::bad_input, "--alice-bits and --bob-bits go together", "", 0, {}};
  auto sifter = sifter_of(options);
  if (!sifter) return std::move(sifter).error();
  auto alice = BitWriter::create(options.alice_bits);
  if (!alice) return std::move(alice).error();
  auto bob = BitWriter::create(options.bob_bits);
  if (!bob) return std::move(bob).error();
  auto report = track_files(options, context, [&](Coincidences pairs) -> Result<void> {
    for (const Coincidence& pair : pairs) {
      const auto bits = (*sifter)(pair);
      if (!bits) continue;
      if (auto r = alice->add(bits->alice); !r) return r;
      if (auto r = bob->add(bits->bob); !r) return r;
    }
    return {};
  });
  if (!report) return std::move(report).error();
  if (auto r = alice->flush(); !r) return std::move(r).error();
  if (auto r = bob->flush(); !r) return std::move(r).error();
  return Sifted{*report, sifter->multi_clicks(), sifter->counts()};
}

}  // namespace

Exit tool_sift(const ToolOptions& options, Context& context) {
  const auto sifted = sift(options, context);
  if (!sifted) return complain(sifted.error());
  nlohmann::json j = sync_json(sifted->report);
  j["sifted_bits"] = sifted->counts[0].bits + sifted->counts[1].bits;
  j["qber"] = {{"rectilinear", qber_of(sifted->counts[0])}, {"diagonal", qber_of(sifted->counts[1])}};
  j["double_clicks"] = sifted->multi_clicks;
  fmt::print("{}\n", j.dump());
  return sifted->report.locks > 0 ? Exit::done : Exit::failed;
}

}  // namespace nicol::app
