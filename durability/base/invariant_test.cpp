#include "durability/base/invariant.hpp"

#include <gtest/gtest.h>

namespace durability {
namespace {

TEST(Invariant, IsCheckedInTheBuildsOfTheTests) {
  const int spares = 3;
  DURABILITY_INVARIANT(spares == 3);
  EXPECT_DEATH(DURABILITY_INVARIANT(spares <= 2), "does not hold: spares <= 2");
}

}  // namespace
}  // namespace durability
