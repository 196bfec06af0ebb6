#include "stop_signals.hpp"

#include <pthread.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "output.hpp"

namespace durability::cli {
namespace {

sigset_t wanted() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM}) {
    struct sigaction now{};
    if (::sigaction(signal, nullptr, &now) == 0 && now.sa_handler != SIG_IGN) sigaddset(&signals, signal);
  }
  return signals;
}

}  // namespace

Result<std::unique_ptr<StopSignals>> StopSignals::open() {
  const sigset_t signals = wanted();
  const int fd = ::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
  if (fd < 0) return cannot_listen(errno, "watch for signals");
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return std::unique_ptr<StopSignals>(new StopSignals(fd));
}

StopSignals::~StopSignals() { ::close(fd_); }

const char* StopSignals::received() noexcept {
  signalfd_siginfo signal{};
  if (::read(fd_, &signal, sizeof signal) != sizeof signal) return nullptr;
  const sigset_t signals = wanted();
  ::pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  return signal.ssi_signo == SIGINT ? "SIGINT" : "SIGTERM";
}

}  // namespace durability::cli
