// SPDX-License-Identifier: Apache-2.0
// What every device promises, whatever its kind.
#include <chrono>
#include <cmath>
#include <set>

#include "drivers/hal/properties.hpp"
#include "tests/hal_contract/calls.hpp"
#include "tests/hal_contract/fixture.hpp"

namespace nicol::hal_contract {

Deadline ContractTest::soon() { return {std::chrono::steady_clock::now() + std::chrono::seconds(10)}; }
Deadline ContractTest::past() { return {std::chrono::steady_clock::now() - std::chrono::seconds(1)}; }

namespace {

using namespace hal;

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(DeviceContract);

/// A valid value of the property, other than `now` where there is one.
Value other_value(const ArgInfo& property, const Value& now) {
  if (const bool* b = std::get_if<bool>(&now)) return !*b;
  if (std::get_if<std::string>(&now) != nullptr) {
    for (const std::string& option : property.options)
      if (Value{option} != now) return option;
    return now;
  }
  if (std::get_if<std::int64_t>(&now) != nullptr) {
    const auto low = property.range ? static_cast<std::int64_t>(property.range->min) : 0;
    return Value{low} != now ? Value{low} : Value{low + 1};
  }
  const double low = property.range ? property.range->min : 0, high = property.range ? property.range->max : 1;
  return Value{low} != now ? Value{low} : Value{high};
}

std::vector<ArgInfo> persistent(Device& device) {
  std::vector<ArgInfo> out;
  for (const ArgInfo& p : device.properties())
    if (p.access == Access::persistent) out.push_back(p);
  return out;
}

TEST_P(DeviceContract, HasAnIdentity) {
  const DeviceInfo info = device().info();
  EXPECT_FALSE(info.driver.empty());
  EXPECT_FALSE(info.model.empty());
  EXPECT_FALSE(info.serial.empty()) << "identity is driver and serial number, never the port";
}

TEST_P(DeviceContract, KeepsItsIdentityWhenUnplugged) {
  NICOL_NEEDS(unplug);
  const DeviceInfo before = device().info();
  bench().unplug();
  EXPECT_EQ(device().info().driver, before.driver);
  EXPECT_EQ(device().info().serial, before.serial);
}

TEST_P(DeviceContract, IsConnectedWhenFresh) { EXPECT_EQ(device().link(), Link::connected); }

TEST_P(DeviceContract, DescribesEachPropertyOnce) {
  std::set<std::string> keys;
  for (const ArgInfo& p : device().properties()) {
    EXPECT_FALSE(p.key.empty());
    EXPECT_NE(p.key, "schema") << "the saved state uses that word";
    EXPECT_FALSE(p.name.empty()) << p.key;
    EXPECT_TRUE(keys.insert(p.key).second) << p.key << " twice";
    if (p.range) {
      EXPECT_LT(p.range->min, p.range->max) << p.key;
    }
  }
}

TEST_P(DeviceContract, ReadsEachPropertyInItsTypeAndRange) {
  for (ArgInfo p : device().properties()) {
    const Result<Value> value = device().read_property(p.key);
    ASSERT_TRUE(succeeds(value)) << p.key;
    p.access = Access::read_write;
    EXPECT_TRUE(succeeds(check_value(p, *value))) << p.key;
  }
}

TEST_P(DeviceContract, KnowsNoOtherProperty) {
  EXPECT_EQ(code_of(device().read_property("no such property")), Code::not_found);
  EXPECT_EQ(code_of(device().write_property("no such property", Value{1.0})), Code::not_found);
}

TEST_P(DeviceContract, KeepsWhatIsWritten) {
  for (const ArgInfo& p : device().properties()) {
    if (p.access == Access::read_only) continue;
    const Value wanted = other_value(p, *device().read_property(p.key));
    ASSERT_TRUE(succeeds(device().write_property(p.key, wanted))) << p.key;
    EXPECT_EQ(to_text(*device().read_property(p.key)), to_text(wanted)) << p.key;
  }
}

TEST_P(DeviceContract, RefusesToWriteWhatIsReadOnly) {
  for (const ArgInfo& p : device().properties()) {
    if (p.access != Access::read_only) continue;
    const Value now = *device().read_property(p.key);
    EXPECT_EQ(code_of(device().write_property(p.key, now)), Code::access_denied) << p.key;
  }
}

TEST_P(DeviceContract, RefusesValuesOutsideTheRangeAndKeepsTheOld) {
  for (const ArgInfo& p : device().properties()) {
    if (p.access == Access::read_only || !p.range || p.type != ArgType::real) continue;
    const Value before = *device().read_property(p.key);
    for (const double bad : {p.range->max + 1, p.range->min - 1, std::nan("")})
      EXPECT_EQ(code_of(device().write_property(p.key, Value{bad})), Code::out_of_range) << p.key << " = " << bad;
    EXPECT_EQ(to_text(*device().read_property(p.key)), to_text(before)) << p.key;
  }
}

TEST_P(DeviceContract, RefusesValuesOfAnotherType) {
  for (const ArgInfo& p : device().properties()) {
    if (p.access == Access::read_only) continue;
    const Value wrong = p.type == ArgType::text ? Value{true} : Value{std::string("text")};
    EXPECT_EQ(code_of(device().write_property(p.key, wrong)), Code::bad_input) << p.key;
  }
}

TEST_P(DeviceContract, SavesItsPersistentPropertiesAndASchema) {
  const Result<State> state = device().save_state();
  ASSERT_TRUE(succeeds(state));
  ASSERT_TRUE(state->contains("schema"));
  EXPECT_EQ(to_text(state->at("schema")), "1");
  for (const ArgInfo& p : device().properties())
    EXPECT_EQ(state->contains(p.key), p.access == Access::persistent) << p.key;
}

TEST_P(DeviceContract, RestoresWhatItSaved) {
  const Result<State> saved = device().save_state();
  ASSERT_TRUE(succeeds(saved));
  for (const ArgInfo& p : persistent(device()))
    ASSERT_TRUE(succeeds(device().write_property(p.key, other_value(p, saved->at(p.key)))));
  ASSERT_TRUE(succeeds(device().restore_state(*saved)));
  EXPECT_EQ(*device().save_state(), *saved);
}

TEST_P(DeviceContract, RestoresNothingWhenOneEntryIsBad) {
  const Result<State> saved = device().save_state();
  ASSERT_TRUE(succeeds(saved));
  State bad = *saved;
  for (const ArgInfo& p : persistent(device())) bad.insert_or_assign(p.key, other_value(p, saved->at(p.key)));
  bad.emplace("zzz no such property", 1.0);  // sorts last: an eager restore has applied all others by then
  EXPECT_FALSE(device().restore_state(bad));
  EXPECT_EQ(*device().save_state(), *saved);
}

TEST_P(DeviceContract, RefusesAStateWithoutKnownSchema) {
  EXPECT_EQ(code_of(device().restore_state({})), Code::bad_input);
  EXPECT_EQ(code_of(device().restore_state({{"schema", std::int64_t{2}}})), Code::bad_input);
}

TEST_P(DeviceContract, PassesItsSelfTest) {
  const auto items = device().self_test(soon());
  ASSERT_TRUE(succeeds(items));
  EXPECT_FALSE(items->empty());
  for (const SelfTestItem& item : *items) {
    EXPECT_FALSE(item.name.empty());
    EXPECT_TRUE(item.passed) << item.name << ": " << item.detail;
  }
}

TEST_P(DeviceContract, BecomesSafeWithinATenthOfASecondAndAgain) {
  for (int i = 0; i < 3; ++i) {
    const auto before = std::chrono::steady_clock::now();
    device().safe_state();
    EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::milliseconds(100));
  }
}

TEST_P(DeviceContract, SaysDisconnectedToEveryCallAfterAnUnplug) {
  NICOL_NEEDS(unplug);
  bench().unplug();
  EXPECT_EQ(device().link(), Link::disconnected);
  for (const Call& call : calls_of(device())) EXPECT_EQ(call.run(), Code::disconnected) << call.name;
}

TEST_P(DeviceContract, SurvivesBeingMadeSafeWhileUnplugged) {
  NICOL_NEEDS(unplug);
  bench().unplug();
  for (const auto& call : silent_calls_of(device())) call();
  EXPECT_EQ(device().link(), Link::disconnected);
}

TEST_P(DeviceContract, ComesBackWithItsSettingsWhenReplugged) {
  NICOL_NEEDS(unplug);
  NICOL_NEEDS(replug);
  for (const ArgInfo& p : persistent(device()))
    ASSERT_TRUE(succeeds(device().write_property(p.key, other_value(p, *device().read_property(p.key)))));
  const Result<State> saved = device().save_state();
  ASSERT_TRUE(succeeds(saved));
  bench().unplug();
  bench().replug();
  EXPECT_EQ(device().link(), Link::connected);
  const Result<State> after = device().save_state();
  ASSERT_TRUE(succeeds(after));
  EXPECT_EQ(*after, *saved);
}

}  // namespace
}  // namespace nicol::hal_contract
