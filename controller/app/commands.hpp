// SPDX-License-Identifier: Apache-2.0
// One function a command; the command line fills their options and nothing else.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "controller/app/exit_code.hpp"
#include "controller/app/record.hpp"
#include "controller/app/setup.hpp"
#include "controller/app/stop_signal.hpp"
#include "controller/secret/security_profile.hpp"

namespace nicol::app {

inline constexpr const char* kVersion = "nicol 0.1.0";

enum class Output : std::uint8_t { text, json };
enum class Talk : std::uint8_t { normal, verbose };

/// What every command may use.
struct Context {
  StopSignal* stop = nullptr;
  std::vector<secret::ProfileItem> profile;
  Hooks hooks;
  Output output = Output::text;
  Talk talk = Talk::normal;
};

struct RunOptions {
  std::string scenario = "teaching";
  std::uint64_t blocks = 4;
  std::optional<std::uint64_t> seed;
  std::string eve = "none", speed = "max";
  std::filesystem::path state, config;
  std::filesystem::path record;  // empty: not recorded
  SealOptions seal;
  std::filesystem::path tags;  // a folder for both sides' raw tags; empty: none
};
Exit run(const RunOptions& options, Context& context);

struct ReplayOptions {
  std::filesystem::path path;            // a recording, or a folder that `run --record` made
  std::uint64_t block_bits = 1'000'000;  // of foreign ones
  SealOptions seal;
};
Exit replay(const ReplayOptions& options, Context& context);

struct InitOptions {
  std::filesystem::path folder;
  std::string scenario = "teaching";
};
Exit init(const InitOptions& options, Context& context);

struct NodeRunOptions {
  session::Side side = session::Side::alice;
  std::filesystem::path config;
  std::uint64_t blocks = 0;
  bool arm = false;              // the operator's consent to light from a real source
  std::filesystem::path record;  // empty: not recorded
  SealOptions seal;
};
Exit node(const NodeRunOptions& options, Context& context);

struct CalibrateOptions {
  std::vector<std::string> routines;  // names, or full, daily, report, forget; empty: full
  std::string scenario = "teaching", speed = "max";
  std::filesystem::path config, state;
  std::optional<std::uint64_t> seed;
  bool arm = false;                             // the operator's consent to light from a real source
  bool resume = false;                          // full: go on where the last one was interrupted
  std::filesystem::path record;                 // folder for the raw tags of its light; empty: not kept
  std::optional<double> transmission_at_least;  // instead of the config's
  std::filesystem::path out;                    // report: the page
};
Exit calibrate(const CalibrateOptions& options, Context& context);
/// What is in force, how old it is, and how it went over weeks: a page to file away.
Exit calibration_report(const CalibrateOptions& options, Context& context);

struct SourceOptions {
  std::filesystem::path config;
  bool arm = false;       // light at once, else when "arm" is read
  bool stays_on = false;  // with arm: it was said that this pump stays on when its cable is pulled
};
Exit source(const SourceOptions& options, Context& context);

Exit doctor(Context& context);

struct DevicesOptions {
  std::string driver;     // list: only this one
  bool probe = false;     // list: open ports and ask
  std::string name;       // test: "driver=…,serial=…", or a serial number or port that the list shows
  std::string kind;       // emulate
  double time_scale = 1;  // emulate: emulated seconds a second
};
Exit devices_list(const DevicesOptions& options, Context& context);
Exit devices_test(const DevicesOptions& options, Context& context);
Exit devices_rules(Context& context);
Exit devices_emulate(const DevicesOptions& options, Context& context);

struct KeysOptions {
  std::string action;  // list, stats, export
  std::filesystem::path config, state, output;
  std::string id;
  std::uint64_t bits = 0;
};
Exit keys(const KeysOptions& options, Context& context);

struct OtpOptions {
  std::string action;  // encrypt, decrypt
  std::filesystem::path config, input, output;
};
Exit otp(const OtpOptions& options, Context& context);

Exit keylength(const std::filesystem::path& input, Context& context);

struct ToolOptions {
  std::filesystem::path seed, input, output, message, alice, bob;
  std::uint64_t input_bits = 0, output_bits = 0, bits = 0, random_seed = 0;
  std::string hash_key, pad, algorithm = "cascade", format, to;
  double qber = 0;
  std::filesystem::path alice_bits, bob_bits;
  std::string state, multi = "drop";
  std::optional<std::int64_t> window_ps;  // full width of a coincidence
};
Exit tool_toeplitz(const ToolOptions& options, Context& context);
Exit tool_mac(const ToolOptions& options, Context& context);
Exit tool_reconcile(const ToolOptions& options, Context& context);
Exit tool_tags(const ToolOptions& options, Context& context);
Exit tool_sync(const ToolOptions& options, Context& context);
Exit tool_sift(const ToolOptions& options, Context& context);
/// What the key of two foreign recordings would have been; options.bits: sifted bits a block.
Exit replay_foreign(const ToolOptions& options, Context& context);

struct BenchOptions {
  std::string stage;
  bool full = false;
};
Exit bench(const BenchOptions& options, Context& context);

/// The store of a state folder as a config or --state names it.
Result<std::unique_ptr<keystore::KeyStore>> open_store(const std::filesystem::path& config,
                                                       const std::filesystem::path& state);

}  // namespace nicol::app
