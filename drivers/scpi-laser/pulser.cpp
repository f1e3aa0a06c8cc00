// SPDX-License-Identifier: Apache-2.0
#include "drivers/scpi-laser/pulser.hpp"

namespace nicol::scpi_laser {

using scpi::Urgency;
namespace {

constexpr std::chrono::milliseconds kRest{500};

}  // namespace

Pulser::Pulser(const PulserTable& table, const Options& options, std::unique_ptr<scpi::Instrument> instrument)
    : table_(table),
      serial_(options.serial.empty() ? instrument->identity().serial : options.serial),
      properties_(properties_of(table, options.channels)),
      arg_infos_(arg_infos(properties_)),
      instrument_(std::move(instrument)),
      light_(output()) {}

Pulser::~Pulser() {
  instrument_->listen({});
  light_.turn_off(kDisablePatience);
}

Output Pulser::output() {
  Output o;
  o.on = [this] { return instrument_->set(table_.on); };
  o.off = [this] { return instrument_->set(table_.off, Urgency::emergency); };
  o.is_on = [this] { return instrument_->flag(table_.state, Urgency::emergency); };
  o.restore = [this] { return restore(); };
  o.link = [this] { return instrument_->link(); };
  o.generation = [this] { return instrument_->generation(); };
  return o;
}

Result<std::unique_ptr<Pulser>> Pulser::open(const scpi::Instrument::Connect& connect, const PulserTable& table,
                                             const Options& options) {
  auto instrument = scpi::Instrument::open(connect, {"", kRest}, options.timing);
  if (!instrument) return std::move(instrument).error();
  std::unique_ptr<Pulser> pulser(new Pulser(table, options, *std::move(instrument)));
  if (auto dark = pulser->light_.start(); !dark) return std::move(dark).error();
  if (auto ok = pulser->read_settings(); !ok) return std::move(ok).error();
  pulser->instrument_->listen([p = pulser.get()](hal::Link now) { p->light_.link_changed(now); });
  return pulser;
}

Result<void> Pulser::read_settings() {
  for (std::size_t i = 0; i < properties_.size(); ++i) {
    auto value = read(properties_[i]);
    if (!value) return std::move(value).error();
    const std::lock_guard lock(wanted_mutex_);
    wanted_.insert_or_assign(arg_infos_[i].key, *std::move(value));
  }
  return {};
}

/// On the switch's thread, after a replug, with the triggers off.
Result<void> Pulser::restore() {
  hal::State wanted;
  {
    const std::lock_guard lock(wanted_mutex_);
    wanted = wanted_;
  }
  for (const auto& [key, value] : wanted)
    if (auto ok = instrument_->set(property(key)->command(value)); !ok) return ok;
  return {};
}

const PulserProperty* Pulser::property(std::string_view key) const {
  for (std::size_t i = 0; i < arg_infos_.size(); ++i)
    if (arg_infos_[i].key == key) return &properties_[i];
  return nullptr;
}

hal::DeviceInfo Pulser::info() const {
  const scpi::Identity& who = instrument_->identity();
  return {"scpi-laser", who.vendor, who.model, serial_, who.firmware, instrument_->port()};
}

Result<hal::Value> Pulser::read(const PulserProperty& wanted) {
  const auto reply = instrument_->ask(wanted.query());
  if (!reply) return reply.error();
  return wanted.parse(*reply);
}

Result<hal::Value> Pulser::read_property(std::string_view key) {
  if (auto ok = light_.ready(); !ok) return ok.error();
  const PulserProperty* const wanted = property(key);
  return wanted == nullptr ? Device::read_property(key) : read(*wanted);
}

Result<void> Pulser::write_property(std::string_view key, const hal::Value& value) {
  if (auto ok = light_.ready(); !ok) return ok;
  const PulserProperty* const wanted = property(key);
  if (wanted == nullptr) return Device::write_property(key, value);
  if (auto ok = hal::check_value(*hal::find_property(arg_infos_, key), value); !ok) return ok;
  if (auto ok = instrument_->set(wanted->command(value)); !ok) return ok;
  const std::lock_guard lock(wanted_mutex_);
  wanted_.insert_or_assign(std::string(key), value);
  return {};
}

Result<std::vector<hal::SelfTestItem>> Pulser::self_test(Deadline) {
  if (auto ok = light_.ready(); !ok) return ok.error();
  const auto reply = instrument_->ask("*IDN?");
  if (!reply) return reply.error();
  const auto who = scpi::parse_identity(*reply);
  const auto state = emission();
  if (!state) return state.error();
  return std::vector<hal::SelfTestItem>{
      {"identity", who && who->serial == instrument_->identity().serial, *reply},
      {"output", *state != hal::EmissionState::unknown, std::string(hal::to_string(*state))}};
}

hal::SourceCaps Pulser::caps() const {
  hal::SourceCaps caps;
  caps.source = hal::SourceKind::pump;
  caps.record = hal::PreparationRecord::twin_photon;
  const std::lock_guard lock(wanted_mutex_);
  if (const auto it = wanted_.find(table_.period_key); it != wanted_.end())
    if (const double* period = std::get_if<double>(&it->second)) caps.slot_period = Picoseconds::seconds(*period);
  return caps;
}

Result<hal::InterlockState> Pulser::interlock() {
  if (auto ok = light_.ready(); !ok) return ok.error();
  return hal::InterlockState::absent;
}

Result<void> Pulser::arm(hal::ArmToken) {
  if (auto ok = light_.ready(); !ok) return ok;
  const LightSwitch::Epoch epoch = light_.epoch();
  const auto on = instrument_->flag(table_.state);
  if (!on) return on.error();
  if (*on) return Error{Code::unsafe_state, "it triggers already: disable it first", serial_, 0, {}};
  return light_.arm(epoch);
}

Result<void> Pulser::enable_emission() {
  if (auto ok = light_.ready(); !ok) return ok;
  if (auto ok = refuse_without_level(); !ok) return ok;
  return light_.turn_on(light_.epoch());
}

}  // namespace nicol::scpi_laser
