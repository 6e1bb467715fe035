// Macros don't reach Swift, so functions stand in for them.
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

static inline EVP_PKEY *keymoor_p256_generate(void) { return EVP_EC_gen("P-256"); }
