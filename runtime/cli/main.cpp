#include <theus/cli.hpp>

int main(int argc, char** argv) {
  theus::serve_if_spawned();
  return theus::run_cli(argc, argv);
}
