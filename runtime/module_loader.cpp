#include <theus/errors.hpp>
#include <theus/module.hpp>

#include <dlfcn.h>

namespace theus {
namespace {

Error bad_module(const std::string& file, std::string cause, std::string remedy) {
  return Error{Errc::bad_input, "module " + file, std::move(cause), std::move(remedy)}.with("module", file);
}

std::string last_loader_error() {
  const char* text = dlerror();
  return text == nullptr ? "the dynamic loader gave no reason" : text;
}

// What a library exports; a struct, because GCC takes a Result<ModuleFunction>'s parameter for a shadowing function.
struct Module {
  ModuleFunction register_with;
};

Result<Module> open_module(const std::string& file) {
  // A name without a slash would be searched in the system's folders.
  const std::string path = file.find('/') == std::string::npos ? "./" + file : file;
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr)
    return bad_module(file, last_loader_error(), "Give the path of a shared library that was built for this machine");

  const auto* abi = static_cast<const std::uint32_t*>(dlsym(library, "theus_module_abi"));
  void* entry = dlsym(library, "theus_module");
  if (abi == nullptr || entry == nullptr)
    return bad_module(file, "it does not export " + std::string{abi == nullptr ? "theus_module_abi" : "theus_module"},
                      "A module has THEUS_MODULE(engine) { ... } in one of its sources");
  if (*abi != module_abi)
    return bad_module(file,
                      "it was built against module interface " + std::to_string(*abi) + ", this is interface " +
                          std::to_string(module_abi),
                      "Build it again with the headers of this version")
        .with("ours", module_abi)
        .with("theirs", *abi);
  return Module{reinterpret_cast<ModuleFunction (*)()>(entry)()};
}

Status registered(const Module& module, const std::string& file, Engine& engine) {
  try {
    return module.register_with(engine);
  } catch (const TheusError& error) {
    return error.error();
  } catch (const std::exception& error) {
    return bad_module(file, std::string{"its registration threw: "} + error.what(), "");
  }
}

}  // namespace

Status load_module(Engine& engine, const std::string& file) {
  const auto module = open_module(file);
  if (!module)
    return module.error();
  if (Status answer = registered(*module, file, engine); !answer)
    return Error{answer.error()}.with("module", file);
  return {};
}

}  // namespace theus
