#include "durability/base/process.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

namespace durability::internal {
namespace {

/// What `says` says in a forked child.
bool in_child(const std::function<bool()>& says) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(says() ? 0 : 1);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return status == 0;
}

TEST(OpeningProcess, IsLeftInAChildAndInAChildsChildAndNotInTheParent) {
  const OpeningProcess here;
  EXPECT_FALSE(here.left());
  EXPECT_TRUE(in_child([&] { return here.left(); }));
  EXPECT_TRUE(in_child([&] { return in_child([&] { return here.left(); }); }));
  EXPECT_FALSE(here.left());
}

TEST(OpeningProcess, OfAChildIsTheChild) {
  EXPECT_TRUE(in_child([] {
    const OpeningProcess here;
    return !here.left() && in_child([&] { return here.left(); });
  }));
}

}  // namespace
}  // namespace durability::internal
