#include <gmock/gmock.h>

#include <memory>
#include <vector>

#include "copas/core/wait_list.hpp"

namespace copas {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct item : list_link {
  explicit item(int what) : value{what} {}
  int value;
};

std::vector<int> values(const list<item>& of) {
  std::vector<int> found;
  of.for_each([&](const item& each) { found.push_back(each.value); });
  return found;
}

TEST(List, IsEmptyAtFirst) {
  const list<item> items;

  EXPECT_TRUE(items.empty());
  EXPECT_THAT(values(items), IsEmpty());
}

TEST(List, KeepsElementsInTheOrderInWhichTheyWereAdded) {
  item one{1}, two{2}, three{3};
  list<item> items;

  items.push_back(two);
  items.push_back(three);
  items.push_front(one);

  EXPECT_THAT(values(items), ElementsAre(1, 2, 3));
  EXPECT_EQ(&items.front(), &one);
}

TEST(List, GivesElementsOutFirstToLast) {
  item one{1}, two{2};
  list<item> items;
  items.push_back(one);
  items.push_back(two);

  EXPECT_EQ(&items.pop_front(), &one);
  EXPECT_EQ(&items.pop_front(), &two);

  EXPECT_TRUE(items.empty());
  EXPECT_FALSE(one.linked());
}

TEST(List, LosesAnElementThatIsUnlinked) {
  item one{1}, two{2}, three{3};
  list<item> items;
  for (item* each : {&one, &two, &three}) items.push_back(*each);

  two.unlink();

  EXPECT_THAT(values(items), ElementsAre(1, 3));
}

TEST(List, LosesAnElementThatIsDestroyed) {
  item one{1}, three{3};
  auto two = std::make_unique<item>(2);
  list<item> items;
  for (item* each : {&one, &*two, &three}) items.push_back(*each);

  two.reset();

  EXPECT_THAT(values(items), ElementsAre(1, 3));
}

TEST(List, UnlinksItsElementsWhenItIsDestroyedFirst) {
  item one{1}, two{2};
  {
    list<item> items;
    items.push_back(one);
    items.push_back(two);
  }

  EXPECT_FALSE(one.linked());
  EXPECT_FALSE(two.linked());
}

TEST(List, TakesAllElementsOfAnotherBehindItsOwn) {
  item one{1}, two{2}, three{3}, four{4};
  list<item> first;
  list<item> second;
  first.push_back(one);
  first.push_back(two);
  second.push_back(three);
  second.push_back(four);

  first.splice(second);

  EXPECT_THAT(values(first), ElementsAre(1, 2, 3, 4));
  EXPECT_TRUE(second.empty());
}

TEST(List, TakesElementsIntoAnEmptyList) {
  item one{1};
  list<item> first;
  list<item> second;
  second.push_back(one);

  first.splice(second);
  one.unlink();

  EXPECT_TRUE(first.empty());
  EXPECT_TRUE(second.empty());
}

TEST(List, DoesNothingWithAnEmptyListToTakeFrom) {
  item one{1};
  list<item> first;
  list<item> second;
  first.push_back(one);

  first.splice(second);

  EXPECT_THAT(values(first), ElementsAre(1));
}

TEST(List, UnlinkingTwiceDoesNothing) {
  item one{1}, two{2};
  list<item> items;
  items.push_back(one);
  items.push_back(two);

  one.unlink();
  one.unlink();

  EXPECT_THAT(values(items), ElementsAre(2));
}

}  // namespace
}  // namespace copas
