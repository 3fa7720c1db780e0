#include <cstdint>

extern "C" {
extern const std::uint32_t theus_module_abi;
const std::uint32_t theus_module_abi = 0;
void theus_module();
void theus_module() {}
}
