#include "copas/core/ref.hpp"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace copas {
namespace {

struct thing : ref_counted {
  explicit thing(int& counter) : destructions{counter} {}
  ~thing() { ++destructions; }
  int& destructions;
};

TEST(Ref, DeletesTheObjectWithItsLastOwner) {
  int destroyed = 0;
  {
    const ref first{new thing{destroyed}};
    {
      const ref second = first;
      EXPECT_EQ(second.get(), first.get());
    }
    EXPECT_EQ(destroyed, 0);
  }

  EXPECT_EQ(destroyed, 1);
}

TEST(Ref, PassesItsShareOnWhenItIsMoved) {
  int destroyed = 0;
  ref first{new thing{destroyed}};

  ref second = std::move(first);
  EXPECT_FALSE(first);
  second = ref<thing>{};

  EXPECT_EQ(destroyed, 1);
}

TEST(Ref, GivesItsOldShareUpWhenItIsAssigned) {
  int first_destroyed = 0;
  int second_destroyed = 0;
  std::vector<ref<thing>> kept;
  kept.emplace_back(new thing{first_destroyed});
  kept.emplace_back(new thing{second_destroyed});

  kept.front() = kept.back();

  EXPECT_EQ(first_destroyed, 1);
  EXPECT_EQ(second_destroyed, 0);
}

TEST(Ref, SurvivesAssignmentToItself) {
  int destroyed = 0;
  ref kept{new thing{destroyed}};
  const ref<thing>& same = kept;

  kept = same;

  EXPECT_EQ(destroyed, 0);
  EXPECT_TRUE(kept);
}

TEST(Ref, MakesFurtherOwnersFromTheObjectItself) {
  int destroyed = 0;
  {
    const ref first{new thing{destroyed}};
    const ref second{first.get()};
  }

  EXPECT_EQ(destroyed, 1);
}

}  // namespace
}  // namespace copas
