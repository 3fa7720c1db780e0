#include <theus/module.hpp>

#include <stdexcept>

THEUS_MODULE(engine) { throw std::runtime_error{"no licence"}; }
