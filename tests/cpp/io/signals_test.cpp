#include "copas/io/signals.hpp"

#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <functional>
#include <thread>

#include "copas/core/sleep.hpp"
#include "copas/io/system_reactor.hpp"

namespace copas {
namespace {

using namespace std::chrono_literals;

// How a child ended that ran `body`: its exit status, or 1000 and the signal that killed it.
int end_of_child(const std::function<int()>& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    for (const int signal : {SIGINT, SIGTERM}) std::signal(signal, SIG_DFL);
    ::_exit(body());
  }
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child) return -1;
  return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}

class StopSignals : public ::testing::TestWithParam<int> {
 public:
  // Would run for a day.
  static task<> sleep(loop& home) { co_await sleep_for(home, 24h); }
  // Sends itself the signal when the loop runs.
  static task<> raise_in(loop& home, int signal) {
    co_await sleep_for(home, 1ms);
    std::raise(signal);
  }
};
INSTANTIATE_TEST_SUITE_P(Signals, StopSignals, ::testing::Values(SIGINT, SIGTERM));

TEST_P(StopSignals, StopTheLoop) {
  const int end = end_of_child([] {
    loop events{system_reactor()};
    const stop_signals stops{events};
    events.spawn(sleep(events));
    events.spawn(raise_in(events, GetParam()));
    events.run();
    return 7;
  });

  EXPECT_EQ(end, 7);
}

TEST_P(StopSignals, StopALoopThatWaits) {
  const int end = end_of_child([] {
    loop events{system_reactor()};
    const stop_signals stops{events};
    events.spawn(sleep(events));
    std::thread other{[process = ::getpid()] {
      std::this_thread::yield();
      ::kill(process, GetParam());
    }};
    events.run();
    other.join();
    return 7;
  });

  EXPECT_EQ(end, 7);
}

TEST_P(StopSignals, StopALoopBeforeItRuns) {
  const int end = end_of_child([] {
    loop events{system_reactor()};
    const stop_signals stops{events};
    events.spawn(sleep(events));
    std::raise(GetParam());
    events.run();
    return 7;
  });

  EXPECT_EQ(end, 7);
}

TEST_P(StopSignals, EndTheProcessTheSecondTime) {
  const int end = end_of_child([] {
    loop events{system_reactor()};
    const stop_signals stops{events};
    std::raise(GetParam());
    std::raise(GetParam());
    return 7;
  });

  EXPECT_EQ(end, 1000 + GetParam());
}

TEST_P(StopSignals, EndTheProcessWhenTheSecondIsTheOther) {
  const int other = GetParam() == SIGINT ? SIGTERM : SIGINT;
  const int end = end_of_child([other] {
    loop events{system_reactor()};
    const stop_signals stops{events};
    std::raise(GetParam());
    std::raise(other);
    return 7;
  });

  EXPECT_EQ(end, 1000 + other);
}

TEST_P(StopSignals, DoWhatTheyDoByDefaultAfterwards) {
  const int end = end_of_child([] {
    {
      loop events{system_reactor()};
      const stop_signals stops{events};
    }
    std::raise(GetParam());
    return 7;
  });

  EXPECT_EQ(end, 1000 + GetParam());
}

TEST_P(StopSignals, LeaveErrnoAlone) {
  const int end = end_of_child([] {
    loop events{system_reactor()};
    const stop_signals stops{events};
    errno = 4711;
    std::raise(GetParam());
    return errno == 4711 ? 7 : 8;
  });

  EXPECT_EQ(end, 7);
}

TEST_P(StopSignals, LetARunThatTheyStoppedBeContinued) {
  const int end = end_of_child([] {
    loop events{system_reactor()};
    const stop_signals stops{events};
    bool done = false;
    auto body = [&]() -> task<> {
      std::raise(GetParam());
      co_await sleep_for(events, 5ms);
      done = true;
    };
    events.spawn(body());
    events.run();
    const bool stopped = !done;
    events.run();
    return stopped && done ? 7 : 8;
  });

  EXPECT_EQ(end, 7);
}

}  // namespace
}  // namespace copas
