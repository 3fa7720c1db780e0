#pragma once

#include <theus/engine.hpp>

#include "tests/support/folder.hpp"
#include "tests/support/subprocess.hpp"

#include <stdexcept>

namespace theus::testing {

/// A certification authority of a test's own, made with the openssl command.
class Authority {
public:
  Authority() {
    call({"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
          "/CN=test authority", "-keyout", at("ca.key"), "-out", at("ca.pem")});
  }

  /// A certificate of that name, and for these hosts ("IP:127.0.0.1,DNS:localhost"), for so many days from now.
  TlsOptions issue(const std::string& name, const std::string& hosts, const std::string& days = "2") const {
    const std::string extensions = folder_.file(name + ".ext", "subjectAltName=" + hosts + "\n");
    call({"req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=" + name, "-keyout",
          at(name + ".key"), "-out", at(name + ".csr")});
    call({"x509", "-req", "-in", at(name + ".csr"), "-CA", at("ca.pem"), "-CAkey", at("ca.key"), "-CAcreateserial",
          "-days", days, "-extfile", extensions, "-out", at(name + ".pem")});
    return {.certificate = at(name + ".pem"), .key = at(name + ".key"), .ca = at("ca.pem")};
  }
  std::string at(const std::string& file) const { return (folder_.path() / file).string(); }

private:
  static void call(std::vector<std::string> words) {
    words.insert(words.begin(), "/usr/bin/openssl");
    if (const Finished done = run(words); done.exit != 0)
      throw std::runtime_error{done.err};
  }

  Folder folder_;
};

}  // namespace theus::testing
