// SPDX-License-Identifier: Apache-2.0
// nicol keys: what is in the pools, never a bit of it, except by export.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "controller/app/commands.hpp"
#include "controller/app/report.hpp"

namespace nicol::app {
namespace {

using nlohmann::json;

Exit stats(keystore::KeyStore& store, Output output) {
  json j{{"schema", "nicol.keys/1"}, {"keys", json::array()}, {"pools", json::array()}};
  for (const auto& k : store.keys())
    j["keys"].push_back({{"id", to_string(k.id)},
                         {"state", to_string(k.state)},
                         {"bits", k.bits},
                         {"check", check_text(k.check)},
                         {"origin", to_string(k.origin)}});
  for (const auto& p : store.pools())
    j["pools"].push_back({{"name", keystore::to_string(p.pool)},
                          {"class", to_string(store.pool_class())},
                          {"bits", p.available()},
                          {"reserved_bits", p.mark}});
  if (output == Output::json) {
    fmt::print("{}\n", j.dump(2));
    return Exit::done;
  }
  std::uint64_t available = 0, bits = 0;
  for (const auto& k : store.keys())
    if (k.state == keystore::KeyState::available) ++available, bits += k.bits;
  fmt::print("{} keys available with {} bits ({} keys in all), class {}\n", available, bits, store.keys().size(),
             to_string(store.pool_class()));
  for (const auto& p : store.pools())
    fmt::print("  pool {:8} {:>10} bits left, {:>10} used or burnt\n", keystore::to_string(p.pool), p.available(),
               p.mark);
  return Exit::done;
}

Exit list(keystore::KeyStore& store) {
  for (const auto& k : store.keys())
    fmt::print("{}  {:9}  {:>8} bits  check {}  block {}  {}\n", to_string(k.id), keystore::to_string(k.state), k.bits,
               check_text(k.check), k.block, to_string(k.origin));
  return Exit::done;
}

Result<keystore::KeyId> choose(keystore::KeyStore& store, const KeysOptions& o) {
  if (!o.id.empty()) return distillation::parse_key_id(o.id);
  std::optional<keystore::KeyInfo> best;
  for (const auto& k : store.keys())
    if (k.state == keystore::KeyState::available && k.bits >= o.bits && (!best || k.bits < best->bits)) best = k;
  if (best) return best->id;
  return Error{Code::exhausted, fmt::format("no available key has {} bits", o.bits), "", 0, {}};
}

/// Straight from the locked page to the file.
Result<void> write_key(const std::filesystem::path& file, const secret::BitString& bits, std::uint64_t wanted) {
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return Error{Code::io, fmt::format("{}: {}", file.string(), std::strerror(errno)), "", errno, {}};
  const auto bytes = static_cast<std::size_t>((wanted + 7) / 8);
  const bool ok = bits.with_read(
      [&](std::span<const std::uint64_t> w) { return ::write(fd, w.data(), bytes) == static_cast<ssize_t>(bytes); });
  const bool safe = ::fsync(fd) == 0;
  ::close(fd);
  if (!ok || !safe)
    return Error{Code::io, fmt::format("{}: cannot write: {}", file.string(), std::strerror(errno)), "", errno, {}};
  return {};
}

Exit export_key(keystore::KeyStore& store, const KeysOptions& o, service::PublishPolicy policy) {
  if (store.pool_class() != distillation::Origin::production && policy != service::PublishPolicy::any_origin)
    return complain({Code::refused,
                     fmt::format("these keys are {}: export needs allow_non_production = true in the config",
                                 to_string(store.pool_class())),
                     "",
                     0,
                     {}});
  if (std::filesystem::exists(o.output))
    return complain(
        {Code::bad_input, fmt::format("{} exists; a key is never written over a file", o.output.string()), "", 0, {}});
  auto id = choose(store, o);
  if (!id) return complain(id.error());
  auto key = store.deliver(*id);
  if (!key) return complain(key.error());
  secret::BitString bits = std::move(*key).take();
  const std::uint64_t wanted = o.bits > 0 ? std::min<std::uint64_t>(o.bits, bits.size()) : bits.size();
  bits.truncate(static_cast<std::size_t>(wanted));
  if (auto r = write_key(o.output, bits, wanted); !r) return complain(r.error());
  fmt::print("{} {} bits {} ({})\n", to_string(*id), wanted, o.output.string(), to_string(store.pool_class()));
  return Exit::done;
}

}  // namespace

Result<std::unique_ptr<keystore::KeyStore>> open_store(const std::filesystem::path& config,
                                                       const std::filesystem::path& state) {
  if (config.empty()) {
    const auto folder = state.empty() ? default_state() : state;
    if (!std::filesystem::is_directory(folder))
      return Error{Code::bad_input,
                   fmt::format("{}: no state folder; name one with --state or --config", folder.string()),
                   "",
                   0,
                   {}};
    return keystore::KeyStore::open(folder, folder / "preshared.key", {});
  }
  auto c = service::load_config(config);
  if (!c) return std::move(c).error();
  secret::set_memory_policy(c->memory_policy());
  return keystore::KeyStore::open(c->state, c->preshared_key, {});
}

Exit keys(const KeysOptions& options, Context& context) {
  auto store = open_store(options.config, options.state);
  if (!store) return complain(store.error());
  if (options.action == "stats") return stats(**store, context.output);
  if (options.action == "list") return context.output == Output::json ? stats(**store, context.output) : list(**store);
  auto policy = service::PublishPolicy::production_only;
  if (!options.config.empty())
    if (auto c = service::load_config(options.config)) policy = c->publish;
  return export_key(**store, options, policy);
}

}  // namespace nicol::app
