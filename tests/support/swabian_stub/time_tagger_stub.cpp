// SPDX-License-Identifier: Apache-2.0
// The library that has no device.
#include "tests/support/swabian_stub/TimeTagger.h"

#include <algorithm>

void TimeTaggerBase::setInputDelay(channel_t channel, timestamp_t delay) {
  const std::lock_guard lock(mutex_);
  inputs_[channel].delay = delay;
}
timestamp_t TimeTaggerBase::setDeadtime(channel_t channel, timestamp_t deadtime) {
  const std::lock_guard lock(mutex_);
  return inputs_[channel].deadtime = deadtime;
}
TimeTaggerBase::Input TimeTaggerBase::input(channel_t channel) {
  const std::lock_guard lock(mutex_);
  return inputs_[channel];
}
void TimeTagger::setTriggerLevel(channel_t channel, double volts) {
  const std::lock_guard lock(mutex_);
  inputs_[channel].trigger_level = volts;
}

void TimeTaggerBase::feed(const std::vector<Tag>& tags, timestamp_t begin, timestamp_t end) {
  const std::lock_guard lock(mutex_);
  for (IteratorBase* m : measurements_) {
    if (!m->running_) continue;
    std::vector<Tag> mine;
    std::copy_if(tags.begin(), tags.end(), std::back_inserter(mine), [&](const Tag& tag) {
      return (tag.type != Tag::Type::TimeTag && tag.type != Tag::Type::MissedEvents) || m->channels_.count(tag.channel);
    });
    (void)m->next_impl(mine, begin, end);
  }
}

TimeTagger* createTimeTagger(const std::string&) { return new TimeTagger; }
bool freeTimeTagger(TimeTaggerBase* tagger) {
  delete tagger;
  return true;
}

IteratorBase::IteratorBase(TimeTaggerBase* tagger) : tagger_(tagger) {}
IteratorBase::~IteratorBase() { stop(); }
void IteratorBase::registerChannel(channel_t channel) { channels_.insert(channel); }
void IteratorBase::finishInitialization() { start(); }
void IteratorBase::start() {
  const std::lock_guard lock(tagger_->mutex_);
  running_ = true;
  tagger_->measurements_.insert(this);
}
void IteratorBase::stop() {
  const std::lock_guard lock(tagger_->mutex_);
  running_ = false;
  tagger_->measurements_.erase(this);
}
