// SPDX-License-Identifier: Apache-2.0
#include "controller/app/cli.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <functional>

#include "controller/app/replay_sent.hpp"
#include "controller/app/replay_sifted.hpp"
#include "controller/secret/signal_wipe.hpp"

namespace nicol::app {
namespace {

using Action = std::function<Exit(Context&)>;

/// Options live as long as the parse; the chosen subcommand leaves its action here.
struct Parsed {
  Action action;
  bool json = false, verbose = false;
  RunOptions run;
  ReplayOptions replay;
  std::filesystem::path sifted;
  SentOptions sent;
  int passphrase_fd = -1;
  InitOptions init;
  NodeRunOptions alice{session::Side::alice, {}, 0, false, {}, {}}, bob{session::Side::bob, {}, 0, false, {}, {}};
  SourceOptions source;
  CalibrateOptions calibrate;
  DevicesOptions devices;
  KeysOptions keys;
  OtpOptions otp;
  ToolOptions tool;
  BenchOptions bench;
  std::filesystem::path input;
  std::uint64_t seed = 0;
};

/// What seals a recording; neither: DIR/seal.key.
void add_seal(CLI::App& c, Parsed& p, SealOptions& seal) {
  auto* file = c.add_option("--seal-key", seal.key_file, "key file of the recording, 0600 (default: DIR/seal.key)");
  c.add_option("--seal-passphrase-fd", p.passphrase_fd, "read the recording's passphrase from this descriptor")
      ->excludes(file)
      ->check(CLI::NonNegativeNumber);
}

void add_recording(CLI::App& c, Parsed& p, std::filesystem::path& folder, SealOptions& seal, const char* what) {
  auto* record = c.add_option("--record", folder, what);
  add_seal(c, p, seal);
  for (const char* name : {"--seal-key", "--seal-passphrase-fd"}) c.get_option(name)->needs(record);
}

/// Prepared light of another lab: what was sent, and how its slots lie.
CLI::Option* add_sent(CLI::App& c, Parsed& p) {
  SentOptions& o = p.sent;
  auto* sent = c.add_option("--sent", o.sent, "what Alice sent, two bits a slot (basis, bit); --bob has his tags");
  const auto number = [&](const char* name, auto& value, const char* what) {
    return c.add_option(name, value, what)->needs(sent);
  };
  number("--slot-ps", o.slot_ps, "length of a slot by Alice's clock");
  number("--gate-ps", o.gate_ps, "full width of the gate (default: a third of a slot)");
  number("--delay-ps", o.delay_ps, "from a sync pulse to the click of its slot");
  number("--dead-ps", o.dead_ps, "longest dead time of a detector");
  number("--detectors", o.detectors, "channels of V,minus,H,plus (default: 0,1,2,3)")->delimiter(',');
  auto* sync = number("--sync", o.sync, "channel of the sync pulses (default: what the file says)");
  number("--sync-divider", o.sync_divider, "slots a sync pulse");
  auto* preamble = number("--preamble", o.preamble, "without sync: public slots at the begin, as Nicol sends them");
  preamble->excludes(sync);
  number("--preamble-every", o.repeat, "and again at every multiple of this")->needs(preamble);
  number("--tail", o.tail, "public slots at the end")->needs(preamble);
  number("--spacing", o.spacing, "every so many slots one is public")->needs(preamble);
  number("--pattern-seed", o.pattern_seed, "of the public slots: the block's number")->needs(preamble);
  return sent;
}

void add_replay(CLI::App& app, Parsed& p) {
  auto* c = app.add_subcommand("replay", "a recording through the same stages: the same result, bit for bit");
  auto* path = c->add_option("path", p.replay.path, "a folder that run --record made, or one recording");
  add_seal(*c, p, p.replay.seal);
  c->add_option("--sifted", p.sifted, "write each block's sifted bits into this folder; they say the key")->needs(path);
  auto* alice = c->add_option("--alice", p.tool.alice, "a foreign recording of pairs: what would the key have been?");
  auto* bob = c->add_option("--bob", p.tool.bob, "the other side's")->excludes(path);
  alice->needs(bob)->excludes(path);
  c->add_option("--format", p.tool.format, "of the tag files")->needs(bob);
  c->add_option("--state", p.tool.state, "psi-minus or phi-plus")->needs(alice);
  c->add_option("--window-ps", p.tool.window_ps, "full width of a coincidence")->needs(alice);
  c->add_option("--block-bits", p.replay.block_bits, "sifted bits a block")->needs(bob)->capture_default_str();
  auto* sent = add_sent(*c, p);
  sent->needs(bob)->excludes(path)->excludes(alice);
  c->callback([&p, c, alice, sent] {
    p.tool.bits = p.sent.block_bits = p.replay.block_bits;
    p.sent.bob = p.tool.bob;
    p.sent.format = p.tool.format;
    if (c->count("--seal-passphrase-fd") > 0) p.replay.seal.passphrase_fd = p.passphrase_fd;
    if (sent->count() > 0)
      p.action = [&p](Context& x) { return replay_sent(p.sent, x); };
    else if (alice->count() > 0)
      p.action = [&p](Context& x) { return replay_foreign(p.tool, x); };
    else if (c->count("path") > 0)
      p.action = [&p](Context& x) { return replay_sifted(p.replay, p.sifted, x); };
    else
      throw CLI::RequiredError("path, or --bob with --alice or --sent");
  });
}

void add_run(CLI::App& app, Parsed& p) {
  auto* c = app.add_subcommand("run", "both nodes in one process: simulated light to stored key");
  c->add_option("--scenario", p.run.scenario, "built-in name or .toml file")->capture_default_str();
  c->add_option("--blocks", p.run.blocks, "blocks to make")->capture_default_str()->check(CLI::PositiveNumber);
  c->add_option("--seed", p.seed, "the same seed gives the same counts");
  c->add_option("--eve", p.run.eve, "KIND[:FRACTION], e.g. intercept-resend:0.2")->capture_default_str();
  c->add_option("--speed", p.run.speed, "max, or a multiple of real time")->capture_default_str();
  c->add_option("--state", p.run.state, "keep both stores in this folder");
  c->add_option("--config", p.run.config, "alice.toml or bob.toml as init wrote them");
  add_recording(*c, p, p.run.record, p.run.seal, "write both nodes' recordings into this folder, sealed");
  c->add_option("--tags", p.run.tags, "write both sides' raw tags into this folder; whoever reads them knows the key");
  c->callback([&p, c] {
    if (c->count("--seal-passphrase-fd") > 0) p.run.seal.passphrase_fd = p.passphrase_fd;
    if (c->count("--seed") > 0) p.run.seed = p.seed;
    p.action = [&p](Context& x) { return run(p.run, x); };
  });
}

void add_node(CLI::App& app, Parsed& p, const char* name, NodeRunOptions& o) {
  auto* c = app.add_subcommand(name, "one node");
  c->add_option("--config", o.config, "the node's file")->required();
  c->add_option("--blocks", o.blocks, "stop after so many (default: never)");
  c->add_flag("--arm", o.arm, "consent to light from a real source");
  add_recording(*c, p, o.record, o.seal, "write this node's recording into this folder, sealed");
  c->callback([&p, c, &o] {
    if (c->count("--seal-passphrase-fd") > 0) o.seal.passphrase_fd = p.passphrase_fd;
    p.action = [&o](Context& x) { return node(o, x); };
  });
}

void add_calibrate(CLI::App& app, Parsed& p) {
  auto* c =
      app.add_subcommand("calibrate", "measure and align the optics; what is found is recorded and used from then on");
  c->add_option(
      "routines", p.calibrate.routines,
      "names; full (default); daily: what is stale, within five minutes; report: a page of what is in force and "
      "how it drifts; forget: set all records aside");
  auto* config = c->add_option("--config", p.calibrate.config, "this node's file; its peer's node must be running");
  c->add_option("--scenario", p.calibrate.scenario, "built-in name or .toml file")
      ->capture_default_str()
      ->excludes(config);
  auto* state = c->add_option("--state", p.calibrate.state, "folder of both stores")->excludes(config);
  c->add_option("--seed", p.seed, "the same seed gives the same counts");
  c->add_option("--speed", p.calibrate.speed, "max, or a multiple of real time")->capture_default_str();
  c->add_flag("--arm", p.calibrate.arm, "consent to light from a real source");
  c->add_flag("--resume", p.calibrate.resume, "full: go on where one was interrupted within the last day");
  c->add_option("--record", p.calibrate.record,
                "keep the raw tags of its light in this folder; they say nothing of a key");
  c->add_option("--transmission-at-least", p.calibrate.transmission_at_least,
                "of the light that leaves Alice, what makes a click: the lab vouches for it")
      ->check(CLI::Range(0.0, 1.0));
  c->add_option("--out", p.calibrate.out, "report: the page's file (default: calibration-report.html)");
  c->callback([&p, c, config, state] {
    if (config->count() == 0 && state->count() == 0) throw CLI::RequiredError("--config or --state");
    if (c->count("--seed") > 0) p.calibrate.seed = p.seed;
    p.action = [&p](Context& x) { return calibrate(p.calibrate, x); };
  });
}

void add_source(CLI::App& app, Parsed& p) {
  auto* c = app.add_subcommand("source", "a pair source at a third place: light, no key; reads arm, off, status, quit");
  c->add_option("--config", p.source.config, "the source's file")->required();
  auto* arm = c->add_flag("--arm", p.source.arm, "consent to light at once");
  c->add_flag("--stays-on", p.source.stays_on, "acknowledge that the pump stays on when its cable is pulled")
      ->needs(arm);
  c->callback([&p] { p.action = [&p](Context& x) { return source(p.source, x); }; });
}

void add_init(CLI::App& app, Parsed& p) {
  auto* c = app.add_subcommand("init", "two configs, two state folders, one pre-shared key");
  c->add_option("folder", p.init.folder)->required();
  c->add_option("--scenario", p.init.scenario)->capture_default_str();
  c->callback([&p] { p.action = [&p](Context& x) { return init(p.init, x); }; });
}

void add_keys(CLI::App& app, Parsed& p) {
  auto* c = app.add_subcommand("keys", "what the store holds");
  c->require_subcommand(1);
  for (const char* name : {"list", "stats", "export"}) {
    auto* s = c->add_subcommand(name);
    s->add_option("--config", p.keys.config);
    s->add_option("--state", p.keys.state);
    if (std::string_view(name) == "export") {
      auto* id = s->add_option("--id", p.keys.id, "UUID");
      s->add_option("--bits", p.keys.bits, "the smallest key with so many")->excludes(id)->check(CLI::PositiveNumber);
      s->add_option("--output", p.keys.output)->required();
    }
    s->callback([&p, name, s] {
      p.keys.action = name;
      if (p.keys.action == "export" && p.keys.id.empty() && p.keys.bits == 0)
        throw CLI::RequiredError("--id or --bits");
      p.action = [&p](Context& x) { return keys(p.keys, x); };
      (void)s;
    });
  }
}

void add_otp(CLI::App& app, Parsed& p) {
  auto* c = app.add_subcommand("otp", "one-time pad: each bit once");
  c->require_subcommand(1);
  for (const char* name : {"encrypt", "decrypt"}) {
    auto* s = c->add_subcommand(name);
    s->add_option("--config", p.otp.config)->required();
    s->add_option("--input", p.otp.input)->required();
    s->add_option("--output", p.otp.output)->required();
    s->callback([&p, name] {
      p.otp.action = name;
      p.action = [&p](Context& x) { return otp(p.otp, x); };
    });
  }
}

void add_toeplitz(CLI::App& tool, Parsed& p) {
  auto* t = tool.add_subcommand("toeplitz", "y_i = XOR_j s[i-j+N-1] x_j");
  t->add_option("--seed", p.tool.seed)->required();
  t->add_option("--input", p.tool.input)->required();
  t->add_option("--input-bits", p.tool.input_bits)->required();
  t->add_option("--output-bits", p.tool.output_bits)->required();
  t->add_option("--output", p.tool.output)->required();
  t->callback([&p] { p.action = [&p](Context& x) { return tool_toeplitz(p.tool, x); }; });
}

void add_mac(CLI::App& tool, Parsed& p) {
  auto* t = tool.add_subcommand("mac", "pad XOR GHASH(message)");
  t->add_option("--hash-key", p.tool.hash_key)->required();
  t->add_option("--pad", p.tool.pad)->required();
  t->add_option("--message", p.tool.message)->required();
  t->callback([&p] { p.action = [&p](Context& x) { return tool_mac(p.tool, x); }; });
}

void add_reconcile(CLI::App& tool, Parsed& p) {
  auto* t = tool.add_subcommand("reconcile", "error correction of two files");
  t->add_option("--alice", p.tool.alice)->required();
  t->add_option("--bob", p.tool.bob)->required();
  t->add_option("--bits", p.tool.bits)->required();
  t->add_option("--qber", p.tool.qber)->required();
  t->add_option("--algorithm", p.tool.algorithm)->capture_default_str();
  t->add_option("--seed", p.tool.random_seed);
  t->callback([&p] { p.action = [&p](Context& x) { return tool_reconcile(p.tool, x); }; });
}

void add_tags(CLI::App& tool, Parsed& p) {
  auto* t = tool.add_subcommand("tags", "summary and conversion of a tag file");
  t->add_option("--input", p.tool.input)->required();
  t->add_option("--format", p.tool.format)->required();
  t->add_option("--to", p.tool.to);
  t->add_option("--output", p.tool.output);
  t->callback([&p] { p.action = [&p](Context& x) { return tool_tags(p.tool, x); }; });
}

CLI::App* add_pair_files(CLI::App& tool, Parsed& p, const char* name, const char* what) {
  auto* t = tool.add_subcommand(name, what);
  t->add_option("--alice", p.tool.alice)->required();
  t->add_option("--bob", p.tool.bob)->required();
  t->add_option("--format", p.tool.format)->required();
  return t;
}

void add_pairs(CLI::App& tool, Parsed& p) {
  auto* sync = add_pair_files(tool, p, "sync", "how the clocks of two recordings of pairs belong together");
  sync->callback([&p] { p.action = [&p](Context& x) { return tool_sync(p.tool, x); }; });
  auto* sift = add_pair_files(tool, p, "sift", "the sifted bits of two recordings of pairs");
  sift->add_option("--state", p.tool.state, "psi-minus or phi-plus")->required();
  sift->add_option("--window-ps", p.tool.window_ps, "full width of a coincidence (default: from the fitted peak)");
  sift->add_option("--multi", p.tool.multi, "several detectors at once: drop, or random:SEED as a key needs it")
      ->capture_default_str();
  sift->add_option("--alice-bits", p.tool.alice_bits);
  sift->add_option("--bob-bits", p.tool.bob_bits);
  sift->callback([&p] { p.action = [&p](Context& x) { return tool_sift(p.tool, x); }; });
}

void add_devices(CLI::App& app, Parsed& p) {
  auto* c = app.add_subcommand("devices", "what is plugged in, and what it needs");
  c->require_subcommand(0, 1);
  c->add_option("--driver", p.devices.driver, "only what this driver finds");
  c->add_flag("--probe", p.devices.probe, "open ports and ask who is there");
  c->callback([&p, c] {
    if (c->get_subcommands().empty()) p.action = [&p](Context& x) { return devices_list(p.devices, x); };
  });
  auto* t = c->add_subcommand("test", "one device's own checks");
  t->add_option("name", p.devices.name, "driver=…,serial=…, or a serial number or port of the list")->required();
  t->callback([&p] { p.action = [&p](Context& x) { return devices_test(p.devices, x); }; });
  c->add_subcommand("rules", "the udev rules that let people use the instruments without being root")->callback([&p] {
    p.action = [](Context& x) { return devices_rules(x); };
  });
  auto* e = c->add_subcommand("emulate", "an emulated device on a pseudo-terminal, until Ctrl-C");
  e->add_option("kind", p.devices.kind, "what to emulate; a wrong one lists all")->required();
  e->add_option("--time-scale", p.devices.time_scale, "emulated seconds a second")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  e->callback([&p] { p.action = [&p](Context& x) { return devices_emulate(p.devices, x); }; });
}

void add_rest(CLI::App& app, Parsed& p) {
  auto* d = app.add_subcommand("doctor", "what this machine lacks, with the fix");
  d->callback([&p] { p.action = [](Context& x) { return doctor(x); }; });
  auto* k = app.add_subcommand("keylength", "finite-key lengths of many cases");
  k->add_option("--input", p.input)->required();
  k->callback([&p] { p.action = [&p](Context& x) { return keylength(p.input, x); }; });
  auto* b = app.add_subcommand("bench", "this machine's rates, against yardsticks of the same run");
  b->add_option("--stage", p.bench.stage);
  b->add_flag("--full", p.bench.full);
  b->callback([&p] { p.action = [&p](Context& x) { return bench(p.bench, x); }; });
  auto* t = app.add_subcommand("tool", "pure tools on files");
  t->require_subcommand(1);
  add_toeplitz(*t, p);
  add_mac(*t, p);
  add_reconcile(*t, p);
  add_tags(*t, p);
  add_pairs(*t, p);
}

void globals(CLI::App& app, Parsed& p) {
  app.add_flag("--json", p.json, "one JSON document on stdout, nothing else");
  app.add_flag("--verbose", p.verbose, "say more on stderr");
  app.set_version_flag("--version", kVersion);
  app.fallthrough();
  app.require_subcommand(1);
}

}  // namespace

Exit command_line(int argc, char** argv, Context& context) {
  CLI::App app("Nicol: light to key. A controller for polarisation QKD on real and simulated optics.", "nicol");
  Parsed p;
  globals(app, p);
  add_run(app, p);
  add_replay(app, p);
  add_init(app, p);
  add_node(app, p, "alice", p.alice);
  add_node(app, p, "bob", p.bob);
  add_source(app, p);
  add_calibrate(app, p);
  add_keys(app, p);
  add_otp(app, p);
  add_devices(app, p);
  add_rest(app, p);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e, std::cout, std::cerr) == 0 ? Exit::done : Exit::bad_input;
  }
  context.output = p.json ? Output::json : Output::text;
  context.talk = p.verbose ? Talk::verbose : Talk::normal;
  try {
    return p.action(context);
  } catch (const std::exception& e) {
    return complain({Code::internal, fmt::format("this is a bug: {}", e.what()), "", 0, {}});
  }
}

int nicol_main(int argc, char** argv, Hooks hooks) {
  const int signals = secret::block_termination_signals();
  Context context;
  context.profile = secret::apply_security_profile({});
  context.hooks = std::move(hooks);
  StopSignal stop(signals);
  context.stop = &stop;
  return static_cast<int>(command_line(argc, argv, context));
}

}  // namespace nicol::app
