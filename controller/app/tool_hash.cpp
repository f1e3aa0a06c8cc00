// SPDX-License-Identifier: Apache-2.0
// nicol tool toeplitz and nicol tool mac: privacy amplification and the Wegman-Carter tag as pure functions of files.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "controller/app/bit_file.hpp"
#include "controller/app/commands.hpp"
#include "controller/distillation/amplification.hpp"
#include "controller/session/wegman_carter.hpp"

namespace nicol::app {
namespace {

using Block = std::array<std::uint8_t, 16>;

Result<Block> parse_hex(const std::string& text, const char* option) {
  Block out{};
  const auto digit = [](char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
  };
  bool ok = text.size() == 32;
  for (std::size_t i = 0; ok && i < 32; ++i) {
    const int v = digit(text[i]);
    ok = v >= 0;
    if (ok) out[i / 2] = static_cast<std::uint8_t>(out[i / 2] * 16 + v);
  }
  if (!ok) return Error{Code::bad_input, fmt::format("{}: expected 32 hex digits", option), "", 0, {}};
  return out;
}

Result<void> run_toeplitz(const ToolOptions& o) {
  const std::uint64_t n = o.input_bits, l = o.output_bits;
  if (n == 0 || l == 0 || n > (std::uint64_t{1} << 32) || l > n)
    return Error{Code::bad_input,
                 fmt::format("--input-bits {} --output-bits {}: expected 1 <= output <= input <= 2^32", n, l),
                 "",
                 0,
                 {}};
  auto seed = read_bits(o.seed, n + l - 1);
  if (!seed) return std::move(seed).error();
  auto input = read_secret_bits(o.input, n);
  if (!input) return std::move(input).error();
  auto arena = secret::Arena::create((distillation::toeplitz_scratch_words(n, l) + secret::words_for(l) + 64) * 8);
  if (!arena) return std::move(arena).error();
  return arena->use([&](secret::Arena::Frame& frame) {
    const auto out = frame.words(secret::words_for(l));
    const auto scratch = frame.words(distillation::toeplitz_scratch_words(n, l));
    input->with_read([&](std::span<const std::uint64_t> x) {
      distillation::toeplitz(seed->words(), x, n, l, out, scratch, distillation::best_kernel());
    });
    return write_bits(o.output, out, l);
  });
}

}  // namespace

Exit tool_toeplitz(const ToolOptions& options, Context&) {
  if (auto r = run_toeplitz(options); !r) return complain(r.error());
  fmt::print("{}\n", nlohmann::json{{"input_bits", options.input_bits},
                                    {"output_bits", options.output_bits},
                                    {"kernel", distillation::to_string(distillation::best_kernel())}}
                         .dump());
  return Exit::done;
}

Exit tool_mac(const ToolOptions& options, Context& context) {
  const auto key = parse_hex(options.hash_key, "--hash-key"), pad = parse_hex(options.pad, "--pad");
  if (!key) return complain(key.error());
  if (!pad) return complain(pad.error());
  const auto message = read_file(options.message);
  if (!message) return complain(message.error());
  std::string text;
  for (const std::uint8_t b : session::one_time_mac(*key, *pad, *message)) text += fmt::format("{:02x}", b);
  if (context.output == Output::json)
    fmt::print("{}\n", nlohmann::json{{"tag", text}}.dump());
  else
    fmt::print("{}\n", text);
  return Exit::done;
}

}  // namespace nicol::app
