// SPDX-License-Identifier: Apache-2.0
// Defects that clang-tidy must find, each in the line that says "found: check": so that no setting of the lint blinds
// it. Never built.
#include "tests/house/planted_defects.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace nicol::planted {

struct Stage {
  int position = 0, speed = 1;
  std::string name;
};

// The analyzer's own budget ends inside fmt, before it reaches the next two.
int after_a_message(const std::map<int, Stage*>& stages, int number) {
  const auto it = stages.find(number);
  const Stage* stage = it == stages.end() ? nullptr : it->second;
  if (stage == nullptr) fmt::print("there is no stage {}\n", number);
  return stage->position;  // found: core.NullDereference
}

int after_a_search(const std::vector<Stage*>& stages, const std::string& name) {
  const Stage* found = nullptr;
  std::string passed;
  for (const Stage* stage : stages) {
    if (stage->name == name) {
      found = stage;
      break;
    }
    passed += fmt::format("{} ", stage->name);
  }
  if (found == nullptr) fmt::print("{} is none of {}\n", name, passed);
  return found->position;  // found: core.NullDereference
}

// These need what a call does: the standard library's, or a helper's of some size.
int after_a_reset() {
  auto stage = std::make_unique<Stage>();
  const Stage* raw = stage.get();
  stage.reset();
  return raw->position;  // found: cplusplus.NewDelete
}

int after_a_move() {
  auto stage = std::make_unique<Stage>();
  const auto other = std::move(stage);
  return stage->position + other->position;  // found: bugprone-use-after-move
}

const char* after_growing() {
  std::string text = "abc";
  const char* inside = text.c_str();
  text += "def";
  return inside + text.size() - text.size();  // found: cplusplus.InnerPointer
}

void choose(int kind, int* out) {
  switch (kind) {
    case 1:
      *out = 3;
      break;
    case 2:
      *out = 4;
      break;
    case 3:
      if (kind > 2) *out = 7;
      break;
    case 5:
      *out = 8;
      break;
    default:
      break;
  }
}
int from_a_helper(int kind) {
  int chosen;
  choose(kind, &chosen);
  return chosen;  // found: core.uninitialized.UndefReturn
}

int steps(int span, int each) {
  const int count = span / each;  // found: core.DivideZero
  return std::clamp(count, 0, 100);
}
int each_of(int kind) {
  if (kind == 1) return 4;
  if (kind == 2) return 8;
  return kind == 3 ? 0 : 1;
}
int two_helpers(int kind) { return steps(100, each_of(kind)); }

int freed() {
  auto* stage = new Stage;
  delete stage;
  return stage->position;  // found: cplusplus.NewDelete
}

int leaked(int n) {
  auto* stage = new Stage;
  if (n > 3) return 1;  // found: cplusplus.NewDeleteLeaks
  delete stage;
  return 0;
}

struct Base {
  Base() { reset(); }  // found: optin.cplusplus.VirtualCall
  virtual ~Base() = default;
  virtual void reset() {}
};

}  // namespace nicol::planted
