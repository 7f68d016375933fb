#include "tls/openssl/certificate.hpp"

#include <arpa/inet.h>

#include <array>
#include <utility>

namespace copas::tls {
namespace {

struct openssl_free {
  void operator()(void* text) const noexcept { OPENSSL_free(text); }
};
using text_ptr = std::unique_ptr<char, openssl_free>;

constexpr char hexadecimal[] = "0123456789abcdef";

std::string text_of(const ASN1_OBJECT* object) {
  char text[128];
  OBJ_obj2txt(text, sizeof text, object, 1);
  return text;
}

std::string long_name_of(const ASN1_OBJECT* object) {
  char text[128];
  OBJ_obj2txt(text, sizeof text, object, 0);
  return text;
}

std::string text_of(const ASN1_TIME* time) {
  const bio_ptr out = memory_bio();
  ASN1_TIME_print(out.get(), time);
  return contents(out.get());
}

std::string text_of(const GENERAL_NAME& name, std::string_view address) {
  if (name.type != GEN_IPADD) return std::string{address};
  char text[INET6_ADDRSTRLEN] = "";
  ::inet_ntop(address.size() == 4 ? AF_INET : AF_INET6, address.data(), text, sizeof text);
  return text;
}

class x509 final : public certificate {
 public:
  explicit x509(x509_ptr held) noexcept : x509_{std::move(held)} {}

  [[nodiscard]] std::vector<name_entry> subject() const override { return entries(X509_get_subject_name(x509_.get())); }
  [[nodiscard]] std::vector<name_entry> issuer() const override { return entries(X509_get_issuer_name(x509_.get())); }

  [[nodiscard]] std::vector<extension> extensions() const override {
    std::vector<extension> found;
    for (int each = 0; each < X509_get_ext_count(x509_.get()); ++each) {
      ASN1_OBJECT* const object = X509_EXTENSION_get_object(X509_get_ext(x509_.get(), each));
      const int kind = OBJ_obj2nid(object);
      if (kind == NID_subject_alt_name || kind == NID_issuer_alt_name) {
        found.push_back({.oid = text_of(object), .name = long_name_of(object), .names = names(kind)});
      }
    }
    return found;
  }

  [[nodiscard]] std::string digest(const std::string& algorithm) const override {
    const EVP_MD* const method = EVP_get_digestbyname(algorithm.c_str());
    std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
    unsigned length = 0;
    if (method == nullptr || X509_digest(x509_.get(), method, bytes.data(), &length) != 1) return {};
    std::string text;
    for (unsigned each = 0; each < length; ++each) {
      text += hexadecimal[bytes[each] >> 4];
      text += hexadecimal[bytes[each] & 15];
    }
    return text;
  }

  [[nodiscard]] std::string not_before() const override { return text_of(X509_get0_notBefore(x509_.get())); }
  [[nodiscard]] std::string not_after() const override { return text_of(X509_get0_notAfter(x509_.get())); }

  [[nodiscard]] bool valid_at(std::time_t when) const noexcept override {
    return X509_cmp_time(X509_get0_notBefore(x509_.get()), &when) < 0 &&
           X509_cmp_time(X509_get0_notAfter(x509_.get()), &when) > 0;
  }

  [[nodiscard]] std::string serial() const override {
    const std::unique_ptr<BIGNUM, freed_by<BN_free>> number{
        made(ASN1_INTEGER_to_BN(X509_get0_serialNumber(x509_.get()), nullptr))};
    const text_ptr text{made(BN_bn2hex(number.get()))};
    return text.get();
  }

  [[nodiscard]] std::string pem() const override {
    const bio_ptr out = memory_bio();
    PEM_write_bio_X509(out.get(), x509_.get());
    return contents(out.get());
  }

  [[nodiscard]] public_key key() const override {
    EVP_PKEY* const key = X509_get0_pubkey(x509_.get());
    const bio_ptr out = memory_bio();
    if (key == nullptr || PEM_write_bio_PUBKEY(out.get(), key) != 1) return {};
    return {.pem = contents(out.get()), .type = type_of(key), .bits = EVP_PKEY_get_bits(key)};
  }

  [[nodiscard]] std::string signature_name() const override {
    const char* const name = OBJ_nid2sn(X509_get_signature_nid(x509_.get()));
    return name == nullptr ? "" : name;
  }

  [[nodiscard]] std::string refuses(const certificate& leaf, std::span<const certificate* const> chain) const override {
    const std::unique_ptr<X509_STORE, freed_by<X509_STORE_free>> root{made(X509_STORE_new())};
    const std::unique_ptr<X509_STORE_CTX, freed_by<X509_STORE_CTX_free>> check{made(X509_STORE_CTX_new())};
    const auto free_list = [](STACK_OF(X509) * list) { sk_X509_free(list); };
    const std::unique_ptr<STACK_OF(X509), decltype(free_list)> others{made(sk_X509_new_null())};
    for (const certificate* each : chain) sk_X509_push(others.get(), static_cast<const x509&>(*each).x509_.get());
    X509_STORE_add_cert(root.get(), x509_.get());
    X509_STORE_CTX_init(check.get(), root.get(), static_cast<const x509&>(leaf).x509_.get(), others.get());
    const bool issued = X509_verify_cert(check.get()) == 1;
    const int error = X509_STORE_CTX_get_error(check.get());
    ERR_clear_error();
    return issued ? "" : X509_verify_cert_error_string(error);
  }

  void encode_utf8(bool wanted) noexcept override { utf8_ = wanted; }

 private:
  static std::string type_of(const EVP_PKEY* key) {
    switch (EVP_PKEY_get_base_id(key)) {
      case EVP_PKEY_RSA: return "RSA";
      case EVP_PKEY_DSA: return "DSA";
      case EVP_PKEY_DH: return "DH";
      case EVP_PKEY_EC: return "EC";
      default: return "Unknown";
    }
  }

  [[nodiscard]] std::string text_of_string(const ASN1_STRING* string) const {
    if (!utf8_) {
      return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
              static_cast<std::size_t>(ASN1_STRING_length(string))};
    }
    unsigned char* bytes = nullptr;
    const int length = ASN1_STRING_to_UTF8(&bytes, string);
    if (length < 0) return {};
    const text_ptr text{reinterpret_cast<char*>(bytes)};
    return {text.get(), static_cast<std::size_t>(length)};
  }

  [[nodiscard]] std::vector<name_entry> entries(const X509_NAME* name) const {
    std::vector<name_entry> found;
    for (int each = 0; each < X509_NAME_entry_count(name); ++each) {
      const X509_NAME_ENTRY* const entry = X509_NAME_get_entry(name, each);
      const ASN1_OBJECT* const object = X509_NAME_ENTRY_get_object(entry);
      found.push_back({.oid = text_of(object),
                       .name = long_name_of(object),
                       .value = text_of_string(X509_NAME_ENTRY_get_data(entry))});
    }
    return found;
  }

  [[nodiscard]] std::map<std::string, std::vector<std::string>> names(int kind) const {
    std::map<std::string, std::vector<std::string>> found;
    const std::unique_ptr<GENERAL_NAMES, freed_by<GENERAL_NAMES_free>> all{
        static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(x509_.get(), kind, nullptr, nullptr))};
    for (int each = 0; each < sk_GENERAL_NAME_num(all.get()); ++each) {
      const GENERAL_NAME& name = *sk_GENERAL_NAME_value(all.get(), each);
      switch (name.type) {
        case GEN_DNS: found["dNSName"].push_back(text_of_string(name.d.dNSName)); break;
        case GEN_EMAIL: found["rfc822Name"].push_back(text_of_string(name.d.rfc822Name)); break;
        case GEN_URI:
          found["uniformResourceIdentifier"].push_back(text_of_string(name.d.uniformResourceIdentifier));
          break;
        case GEN_IPADD:
          found["iPAddress"].push_back(
              text_of(name, {reinterpret_cast<const char*>(ASN1_STRING_get0_data(name.d.iPAddress)),
                             static_cast<std::size_t>(ASN1_STRING_length(name.d.iPAddress))}));
          break;
        case GEN_OTHERNAME:
          if (name.d.otherName->value->type == V_ASN1_UTF8STRING) {
            found["otherName"].push_back(text_of_string(name.d.otherName->value->value.utf8string));
          }
          break;
        default: break;
      }
    }
    return found;
  }

  x509_ptr x509_;
  bool utf8_ = false;
};

}  // namespace

certificate_ptr make_certificate(x509_ptr held) { return std::make_unique<x509>(std::move(held)); }

certificate_ptr parse_certificate(std::string_view pem) {
  const bio_ptr in{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))};
  x509_ptr found{PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr)};
  ERR_clear_error();
  return found ? make_certificate(std::move(found)) : nullptr;
}

}  // namespace copas::tls
