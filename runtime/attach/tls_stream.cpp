#include "runtime/attach/tls_stream.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <sys/stat.h>

namespace theus {
namespace {

// Of the other side's certificates, before anything of them was verified.
constexpr long certificates_bytes_max = 32 << 10;
constexpr std::string_view secret_label = "EXPORTER-theus-join";

template <auto free>
struct Freed {
  void operator()(auto* thing) const noexcept { free(thing); }
};

/// What the library says about its last failure; clears the thread's queue of them.
std::string last_words() {
  const unsigned long code = ERR_peek_last_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  ERR_clear_error();
  return reason == nullptr ? "no reason was given" : reason;
}

Error unfit(const std::filesystem::path& file, const std::string& cause, const std::string& remedy) {
  return Error{Errc::bad_argument, "tls", "'" + file.string() + "' " + cause, remedy}.with("file", file.string());
}

Status check_given(const TlsOptions& options) {
  std::string missing;
  for (const auto& [name, file] :
       {std::pair{"certificate", &options.certificate}, std::pair{"key", &options.key}, std::pair{"ca", &options.ca}})
    if (file->empty())
      missing += (missing.empty() ? "" : ", ") + std::string{name};
  if (missing.empty())
    return {};
  return Error{Errc::bad_argument, "tls", "certificate, key and CA are all required; not given: " + missing,
               "Name all three files; without them nobody could tell who is at the other end"}
      .with("missing", missing);
}

Status check_key_file(const std::filesystem::path& file) {
  struct stat found {};
  if (::stat(file.c_str(), &found) != 0 || !S_ISREG(found.st_mode))
    return unfit(file, "is no file that can be read", "Name the file with the private key, in PEM form");
  constexpr mode_t others = S_IRWXG | S_IRWXO;
  if ((found.st_mode & others) != 0)
    return unfit(file, "can be used by others", "chmod 600 it, and make a new key if somebody may have read it");
  return {};
}

/// A key with a passphrase is refused; nobody is asked for it on a terminal.
int no_passphrase(char*, int, int, void*) { return -1; }

Status check_time(const X509* certificate, const std::filesystem::path& file) {
  if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0)
    return unfit(file, "holds a certificate that has expired", "Have a new one signed");
  if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0)
    return unfit(file, "holds a certificate that is not valid yet", "Look at the clock of this machine");
  return {};
}

Error refused(const std::string& cause, const std::string& remedy) {
  return Error{Errc::join_refused, "tls", cause, remedy}.with("reason", "tls");
}

}  // namespace

struct TlsContext::Library {
  std::unique_ptr<SSL_CTX, Freed<SSL_CTX_free>> context;
};

struct TlsStream::Library {
  std::unique_ptr<SSL, Freed<SSL_free>> connection;
};

Result<std::shared_ptr<const TlsContext>> TlsContext::load(const TlsOptions& options, AttachRole role) {
  if (Status given = check_given(options); !given)
    return given.error();
  if (Status key = check_key_file(options.key); !key)
    return key.error();
  ERR_clear_error();
  std::unique_ptr<SSL_CTX, Freed<SSL_CTX_free>> context{
      SSL_CTX_new(role == AttachRole::engine ? TLS_server_method() : TLS_client_method())};
  if (context == nullptr || SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION) != 1)
    return Error{Errc::resource_exhausted, "tls", "TLS 1.3 is not to be had: " + last_words()};
  SSL_CTX_set_default_passwd_cb(context.get(), no_passphrase);
  if (SSL_CTX_use_certificate_chain_file(context.get(), options.certificate.c_str()) != 1)
    return unfit(options.certificate, "holds no certificate that can be read: " + last_words(),
                 "Name the file with the certificate, in PEM form");
  if (SSL_CTX_use_PrivateKey_file(context.get(), options.key.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context.get()) != 1)
    return unfit(options.key, "does not hold the key of the certificate: " + last_words(),
                 "Name the key, without a passphrase and in PEM form, for which the certificate was signed");
  if (SSL_CTX_load_verify_file(context.get(), options.ca.c_str()) != 1)
    return unfit(options.ca, "holds no certificate of a CA: " + last_words(),
                 "Name the file with the CA's certificate, in PEM form");
  if (Status valid = check_time(SSL_CTX_get0_certificate(context.get()), options.certificate); !valid)
    return valid.error();
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_max_cert_list(context.get(), certificates_bytes_max);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // A resumed session would be believed without its certificate being looked at again.
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context.get(), 0);
  return std::make_shared<const TlsContext>(std::make_unique<Library>(Library{std::move(context)}), role);
}

TlsContext::TlsContext(std::unique_ptr<Library> library, AttachRole role) noexcept
    : library_(std::move(library)), role_(role) {}

TlsContext::~TlsContext() = default;

Result<TlsStream> TlsStream::make(std::shared_ptr<const TlsContext> context, Descriptor socket,
                                  const std::string& host) {
  ERR_clear_error();
  std::unique_ptr<SSL, Freed<SSL_free>> connection{SSL_new(context->library().context.get())};
  if (connection == nullptr || SSL_set_fd(connection.get(), socket.number()) != 1)
    return Error{Errc::resource_exhausted, "tls", "no connection can be made: " + last_words()};
  if (context->role() == AttachRole::client) {
    X509_VERIFY_PARAM* terms = SSL_get0_param(connection.get());
    X509_VERIFY_PARAM_set_hostflags(terms, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    const bool is_number = X509_VERIFY_PARAM_set1_ip_asc(terms, host.c_str()) == 1;
    if (!is_number && (X509_VERIFY_PARAM_set1_host(terms, host.c_str(), host.size()) != 1 ||
                       SSL_ctrl(connection.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                                const_cast<char*>(host.c_str())) != 1))
      return Error{Errc::bad_argument, "tls", "'" + host + "' is no name of a host"};
    SSL_set_connect_state(connection.get());
  } else {
    SSL_set_accept_state(connection.get());
  }
  return TlsStream{std::move(context), std::move(socket), std::make_unique<Library>(Library{std::move(connection)})};
}

TlsStream::TlsStream(std::shared_ptr<const TlsContext> context, Descriptor socket,
                     std::unique_ptr<Library> library) noexcept
    : context_(std::move(context)), socket_(std::move(socket)), library_(std::move(library)) {}

TlsStream::TlsStream(TlsStream&&) noexcept = default;
TlsStream::~TlsStream() = default;

TlsStream::Outcome TlsStream::outcome_of(int returned) {
  SSL* connection = library_->connection.get();
  switch (SSL_get_error(connection, returned)) {
    case SSL_ERROR_WANT_READ: return Outcome::wants_read;
    case SSL_ERROR_WANT_WRITE: return Outcome::wants_write;
    case SSL_ERROR_SSL: break;
    default: ERR_clear_error(); return Outcome::gone;
  }
  const long verified = SSL_get_verify_result(connection);
  if (verified != X509_V_OK) {
    ERR_clear_error();
    fault_ = refused(std::string{"the other side's certificate is refused: "} + X509_verify_cert_error_string(verified),
                     "It must be signed by the CA that is named here, be valid now, and name the host it serves");
    return Outcome::gone;
  }
  const unsigned long code = ERR_peek_last_error();
  // Reasons above this are alerts that the other side sent.
  const bool came = ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) > SSL_AD_REASON_OFFSET;
  if (ERR_GET_REASON(code) != SSL_R_UNEXPECTED_EOF_WHILE_READING)
    fault_ = refused((came ? "the other side refused this one: " : "what arrived was refused: ") + last_words(),
                     "Both sides need TLS 1.3, certificates that are valid now, and each other's CA");
  ERR_clear_error();
  return Outcome::gone;
}

TlsStream::Outcome TlsStream::shake_hands() {
  ERR_clear_error();
  const int returned = SSL_do_handshake(library_->connection.get());
  return returned == 1 ? Outcome::done : outcome_of(returned);
}

TlsStream::Outcome TlsStream::read(std::span<std::byte> into, std::size_t& got) {
  ERR_clear_error();
  const int returned = SSL_read_ex(library_->connection.get(), into.data(), into.size(), &got);
  return returned == 1 ? Outcome::done : outcome_of(returned);
}

TlsStream::Outcome TlsStream::write(std::span<const std::byte> bytes, std::size_t& put) {
  ERR_clear_error();
  const int returned = SSL_write_ex(library_->connection.get(), bytes.data(), bytes.size(), &put);
  return returned == 1 ? Outcome::done : outcome_of(returned);
}

void TlsStream::say_end() noexcept {
  (void)SSL_shutdown(library_->connection.get());
  ERR_clear_error();
}

std::optional<Secret> TlsStream::shared_secret() const {
  Secret::Bytes bytes;
  if (SSL_export_keying_material(library_->connection.get(), reinterpret_cast<unsigned char*>(bytes.data()),
                                 bytes.size(), secret_label.data(), secret_label.size(), nullptr, 0, 0) != 1)
    return std::nullopt;
  return Secret{bytes};
}

}  // namespace theus
