#include <theus/cli.hpp>

int main(int argc, char** argv) { return theus::run_cli(argc, argv); }
