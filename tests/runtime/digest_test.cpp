#include <theus/digest.hpp>

#include "runtime/cbor.hpp"
#include "runtime/sha256.hpp"
#include "runtime/value_node.hpp"
#include "tests/support/generators.hpp"

#include <catch2/catch.hpp>

#include <random>
#include <thread>

namespace theus {
namespace {

Value numbers(int count) {
  Value list = Value::list();
  for (int i = 0; i < count; ++i)
    list.push_back(i);
  return list;
}

Value keyed(int count, const std::string& prefix, const auto& member) {
  Value map = Value::map();
  for (int i = 0; i < count; ++i)
    map.set(prefix + std::to_string(i), member(i));
  return map;
}

// An equal value that shares nothing and remembers nothing.
Value rebuilt(const Value& value) { return from_cbor(to_cbor(value)).value(); }

bool holds_heavy(const Value& value) { return to_json(value).find("\"$heavy\"") != std::string::npos; }

std::size_t remembered_blocks(const Value& list) {
  std::size_t count = 0;
  const auto look = [&count](const auto& self, SequenceNode* node) -> void {
    count += node->digest.load() != nullptr ? 1 : 0;
    for (unsigned i = 0; node->height > 0 && i < node->count; ++i)
      self(self, node->children()[i]);
  };
  look(look, root_of(list));
  return count;
}

TEST_CASE("digests are those that another implementation of the definition gives", "[digest]") {
  const Value order{{"id", 7},
                    {"amount", 1.5},
                    {"paid", true},
                    {"note", nullptr},
                    {"tags", Value::list({"a", "b", Value::list()})},
                    {"meta", Value::map()},
                    {"raw", Value::bytes(std::array{std::byte{0}, std::byte{1}})}};
  const auto itself = [](int i) { return Value{i}; };
  const auto pair = [](int i) { return Value::list({i, std::to_string(i)}); };
  const std::pair<Value, const char*> examples[] = {
      {nullptr, "6775ad8bf1895ff2d867c9008219752f8f42c78b5fd101ace5255283b35145c9"},
      {1, "b413f47d13ee2fe6c845b2ee141af81de858df4ec549a58b7970bb96645bc8d2"},
      {1.0, "6fb6ac758288161b663846e8ac0652feb4053dd8a02a95477c4316ab3663eaa6"},
      {"", "f66d0942831c3fc3a5d7b1399bc2f9027f95f8d735ae2a78f2240c7cefde526b"},
      {Value::heavy({}), "a70f494fdb32576884b209bd845113ab3798d80d85673145267af07c2c196e2e"},
      {Value::list(), "4bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a"},
      {Value::map(), "084fed08b978af4d7d196a7446a86b58009e636b611db16211b65a9aadff29c5"},
      {order, "ee20adcbe377b6751b73ea6494105c3922530d2c6471f640ef649697b5283049"},
      {numbers(33), "e3ee2b7a1480386b2ac6703e960ce21e5107345d063479ada6d919b74e98b74a"},
      {numbers(1024), "a4b776babb26b9b99b75abe9649ceaf614eac496284b5edcb11f7cdcb0b8f401"},
      {numbers(1025), "ff5ded4156d515c73a36cc6d4b426749b1ff9e0e48698b7ad220b5208ef6ada7"},
      {numbers(32801), "06a485fe560ab4d30bbbb669229c53b18d094aa7db1b7e9fe3028254f8209893"},
      {numbers(40000), "3dc28f452807b3805f8e60d2567884e59b9a56cf8a0425b8ea42afc68ef0478e"},
      {keyed(32, "k", itself), "213c6925ca010788207b201af2686496ee3b4c2707bee514a22fcff711e3147f"},
      {keyed(33, "k", itself), "6f7c50731164301895ba7a82d00ffa8e0026e79131f3f4ca51fcd51aabb6f2a0"},
      {keyed(5000, "key ", pair), "60705cdfab29ce91a055693ec66a56d9c09bfee2268728a40bd2eca7cadd4e6d"},
  };
  for (const auto& [value, text] : examples) {
    CHECK(digest(value).text() == text);
    CHECK(digest(value).text() == text);  // now with what the first call remembered
  }
}

TEST_CASE("values have the same digest exactly when they have the same encoding", "[digest]") {
  rc::prop("pairs", [](const Value& a, const Value& b) {
    RC_ASSERT((digest(a) == digest(b)) == (to_cbor(a) == to_cbor(b)) || holds_heavy(a) || holds_heavy(b));
  });
  rc::prop("copies", [](const Value& a) { RC_ASSERT(digest(a) == digest(rebuilt(a))); });
}

TEST_CASE("the digest of a list does not depend on how it came about", "[digest]") {
  const auto seed = GENERATE(1U, 2U, 3U);
  CAPTURE(seed);
  std::mt19937 random{seed};
  Value list = numbers(5000);
  for (int step = 0; step < 60; ++step) {
    const Value kept = list;
    const Digest before = digest(list);
    for (unsigned edits = random() % 4; edits > 0; --edits) {
      const std::size_t at = random() % (list.size() - 1);
      switch (random() % 6) {
        case 0: list.insert(at, -step); break;
        case 1: list.erase_at(at); break;
        case 2: list.erase_at(list.size() - 1); break;
        case 3: list.replace(at, Value::list({step, list[at]})); break;
        default: list.push_back(step); break;
      }
    }
    CHECK(digest(list) == digest(rebuilt(list)));
    CHECK(digest(kept) == before);
  }
}

TEST_CASE("a list that nobody else holds forgets what it changes in place", "[digest]") {
  Value list = numbers(4096);
  const Digest before = digest(list);
  list.replace(2000, -1);
  CHECK(digest(list) == digest(rebuilt(list)));
  CHECK(digest(list) != before);
  list.replace(2000, 2000);
  CHECK(digest(list) == before);
}

TEST_CASE("an append or a replacement leaves all other blocks remembered", "[digest]") {
  Value list = numbers(100 * 1024);
  (void)digest(list);
  CHECK(remembered_blocks(list) == 100);
  const Value kept = list;
  list.replace(50'000, -1);
  list.push_back(1);
  CHECK(remembered_blocks(list) == 99);
  CHECK(remembered_blocks(kept) == 100);
  (void)digest(list);
  CHECK(remembered_blocks(list) == 100);
}

TEST_CASE("the digest of a map does not depend on how it came about", "[digest]") {
  rc::prop("order of insertion and erased members", [] {
    const auto count = *rc::gen::inRange(0, 200);
    const auto order = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 200));
    Value map = Value::map();
    for (const int key : order)
      map.set(std::to_string(key), key);
    for (int key = 0; key < 200; ++key)
      key < count ? map.set(std::to_string(key), key) : (void)map.erase(std::to_string(key));
    RC_ASSERT(digest(map) == digest(keyed(count, "", [](int i) { return Value{i}; })));
  });
}

TEST_CASE("the digest tells kinds, nesting and order apart, but not heavy handles", "[digest]") {
  const Value distinct[] = {nullptr,
                            false,
                            0,
                            0.0,
                            -0.0,
                            "",
                            Value::bytes({}),
                            Value::list(),
                            Value::map(),
                            Value::heavy({}),
                            Value::list({1, 2}),
                            Value::list({2, 1}),
                            Value::list({Value::list({1, 2})}),
                            Value::list({1, Value::list({2})}),
                            Value{{"a", "b"}},
                            Value::list({"a", "b"}),
                            Value{{"ab", ""}},
                            numbers(32),
                            numbers(33)};
  std::vector<Digest> seen;
  for (const Value& value : distinct)
    seen.push_back(digest(value));
  std::ranges::sort(seen);
  CHECK(std::ranges::adjacent_find(seen) == seen.end());
  CHECK(digest(Value::heavy({{1}})) == digest(Value::heavy({{2}})));
}

TEST_CASE("threads may take the digest of one list at once", "[digest]") {
  const Value list = numbers(20'000);
  std::array<Digest, 4> digests;
  std::vector<std::thread> threads;
  for (Digest& result : digests)
    threads.emplace_back([&result, list] { result = digest(list); });
  for (std::thread& thread : threads)
    thread.join();
  CHECK(std::ranges::count(digests, digest(rebuilt(list))) == 4);
}

TEST_CASE("a value a million levels deep has a digest [F74]", "[digest][F74]") {
  const auto nested = [](Value innermost) {
    for (int i = 0; i < 1'000'000; ++i)
      innermost = i % 2 == 0 ? Value::list({innermost}) : Value{{"k", innermost}};
    return innermost;
  };
  CHECK(digest(nested(1)) == digest(nested(1)));
  CHECK(digest(nested(1)) != digest(nested(2)));
}

TEST_CASE("a digest is read back from its text", "[digest]") {
  const Digest original = digest(1);
  CHECK(Digest::parse(original.text()) == original);
  CHECK(Digest::parse("") == std::nullopt);
  CHECK(Digest::parse(std::string(63, '0') + "G") == std::nullopt);
  CHECK(Digest::parse(std::string(63, '0') + "A") == std::nullopt);
}

TEST_CASE("one Sha256 hashes messages one after the other", "[digest]") {
  const std::string abc = "abc";
  Sha256 sha;
  for (int i = 0; i < 2; ++i) {
    sha.add(std::as_bytes(std::span{abc}));
    CHECK(sha.finish().text() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  }
  CHECK(sha.finish().text() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

}  // namespace
}  // namespace theus
