#include "tests/support/isolated_bodies.hpp"

#include <theus/module.hpp>

THEUS_MODULE(engine) { return theus::testing::register_isolated_bodies(engine); }
