// The club for the command line: theus run karate.yaml --module libkarate.so
#include <theus/module.hpp>

#include "club.hpp"

THEUS_MODULE(engine) { return karate::found_club(engine); }
