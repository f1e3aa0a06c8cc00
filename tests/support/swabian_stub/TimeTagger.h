// SPDX-License-Identifier: Apache-2.0
// Stands in for the vendor's Time Tagger library, in our own words and only as far as the bridge uses it: names and
// meanings are those of its public documentation (API reference "The TimeTagger Library", "TimeTagger classes", "Raw
// time-tag-stream access"). It has no device: tests feed it.
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

using timestamp_t = long long;  // picoseconds since the device started
using channel_t = int;          // inputs from 1; the falling edge of input n is -n

struct Tag {
  enum class Type : unsigned char { TimeTag = 0, Error = 1, OverflowBegin = 2, OverflowEnd = 3, MissedEvents = 4 };
  Type type = Type::TimeTag;
  char reserved = 0;
  unsigned short missed_events = 0;
  channel_t channel = 0;
  timestamp_t time = 0;
};

class IteratorBase;

class TimeTaggerBase {
 public:
  virtual ~TimeTaggerBase() = default;
  void setInputDelay(channel_t channel, timestamp_t delay);
  timestamp_t setDeadtime(channel_t channel, timestamp_t deadtime);

  // Of the stub only.
  struct Input {
    double trigger_level = 0;
    timestamp_t delay = 0, deadtime = 0;
  };
  Input input(channel_t channel);
  /// What the device measured in [begin, end); only registered channels are passed on.
  void feed(const std::vector<Tag>& tags, timestamp_t begin, timestamp_t end);

 protected:
  friend class IteratorBase;
  std::mutex mutex_;
  std::map<channel_t, Input> inputs_;
  std::set<IteratorBase*> measurements_;
};

class TimeTagger : public TimeTaggerBase {
 public:
  void setTriggerLevel(channel_t channel, double volts);
  std::string getSerial() const { return "1937000XYZ"; }
  std::string getModel() const { return "Time Tagger 20"; }
};

TimeTagger* createTimeTagger(const std::string& serial = "");
bool freeTimeTagger(TimeTaggerBase* tagger);

/// Base of measurements: next_impl gets every stretch of the stream, on the library's thread.
class IteratorBase {
 public:
  virtual ~IteratorBase();
  void start();
  void stop();

 protected:
  explicit IteratorBase(TimeTaggerBase* tagger);
  void registerChannel(channel_t channel);
  void finishInitialization();
  virtual bool next_impl(std::vector<Tag>& incoming_tags, timestamp_t begin_time, timestamp_t end_time) = 0;

 private:
  friend class TimeTaggerBase;
  TimeTaggerBase* tagger_;
  std::set<channel_t> channels_;
  bool running_ = false;
};
