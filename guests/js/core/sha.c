// SHA-1 and SHA-2 (FIPS 180-4), for crypto.subtle.digest().
#include "core.h"

#include <stdlib.h>
#include <string.h>

static uint32_t rotate32(uint32_t x, int n) {
  return x >> n | x << (32 - n);
}
static uint64_t rotate64(uint64_t x, int n) {
  return x >> n | x << (64 - n);
}
static uint64_t big_endian(const uint8_t* bytes, int size) {
  uint64_t value = 0;
  for (int i = 0; i < size; i++) value = value << 8 | bytes[i];
  return value;
}

// The first 64 bits of the fractional parts of the cube roots of the first 80 primes; the upper
// halves of the first 64 are those of SHA-256.
static const uint64_t k[80] = {
    0x428a2f98d728ae22, 0x7137449123ef65cd, 0xb5c0fbcfec4d3b2f, 0xe9b5dba58189dbbc,
    0x3956c25bf348b538, 0x59f111f1b605d019, 0x923f82a4af194f9b, 0xab1c5ed5da6d8118,
    0xd807aa98a3030242, 0x12835b0145706fbe, 0x243185be4ee4b28c, 0x550c7dc3d5ffb4e2,
    0x72be5d74f27b896f, 0x80deb1fe3b1696b1, 0x9bdc06a725c71235, 0xc19bf174cf692694,
    0xe49b69c19ef14ad2, 0xefbe4786384f25e3, 0x0fc19dc68b8cd5b5, 0x240ca1cc77ac9c65,
    0x2de92c6f592b0275, 0x4a7484aa6ea6e483, 0x5cb0a9dcbd41fbd4, 0x76f988da831153b5,
    0x983e5152ee66dfab, 0xa831c66d2db43210, 0xb00327c898fb213f, 0xbf597fc7beef0ee4,
    0xc6e00bf33da88fc2, 0xd5a79147930aa725, 0x06ca6351e003826f, 0x142929670a0e6e70,
    0x27b70a8546d22ffc, 0x2e1b21385c26c926, 0x4d2c6dfc5ac42aed, 0x53380d139d95b3df,
    0x650a73548baf63de, 0x766a0abb3c77b2a8, 0x81c2c92e47edaee6, 0x92722c851482353b,
    0xa2bfe8a14cf10364, 0xa81a664bbc423001, 0xc24b8b70d0f89791, 0xc76c51a30654be30,
    0xd192e819d6ef5218, 0xd69906245565a910, 0xf40e35855771202a, 0x106aa07032bbd1b8,
    0x19a4c116b8d2d0c8, 0x1e376c085141ab53, 0x2748774cdf8eeb99, 0x34b0bcb5e19b48a8,
    0x391c0cb3c5c95a63, 0x4ed8aa4ae3418acb, 0x5b9cca4f7763e373, 0x682e6ff3d6b2b8a3,
    0x748f82ee5defb2fc, 0x78a5636f43172f60, 0x84c87814a1f0ab72, 0x8cc702081a6439ec,
    0x90befffa23631e28, 0xa4506cebde82bde9, 0xbef9a3f7b2c67915, 0xc67178f2e372532b,
    0xca273eceea26619c, 0xd186b8c721c0c207, 0xeada7dd6cde0eb1e, 0xf57d4f7fee6ed178,
    0x06f067aa72176fba, 0x0a637dc5a2c898a6, 0x113f9804bef90dae, 0x1b710b35131c471b,
    0x28db77f523047d84, 0x32caab7b40c72493, 0x3c9ebe0a15c9bebc, 0x431d67c49c100d4c,
    0x4cc5d4becb3e42b6, 0x597f299cfc657e2a, 0x5fcb6fab3ad6faec, 0x6c44198c4a475817,
};

static void block_sha1(uint64_t* state, const uint8_t* bytes) {
  uint32_t w[80];
  for (int i = 0; i < 16; i++) w[i] = (uint32_t)big_endian(bytes + 4 * i, 4);
  for (int i = 16; i < 80; i++) w[i] = rotate32(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 31);
  uint32_t a = (uint32_t)state[0], b = (uint32_t)state[1], c = (uint32_t)state[2],
           d = (uint32_t)state[3], e = (uint32_t)state[4];
  for (int i = 0; i < 80; i++) {
    uint32_t f, constant;
    if (i < 20)
      f = (b & c) | (~b & d), constant = 0x5a827999;
    else if (i < 40)
      f = b ^ c ^ d, constant = 0x6ed9eba1;
    else if (i < 60)
      f = (b & c) | (b & d) | (c & d), constant = 0x8f1bbcdc;
    else
      f = b ^ c ^ d, constant = 0xca62c1d6;
    uint32_t next = rotate32(a, 27) + f + e + constant + w[i];
    e = d, d = c, c = rotate32(b, 2), b = a, a = next;
  }
  state[0] = (uint32_t)(state[0] + a), state[1] = (uint32_t)(state[1] + b);
  state[2] = (uint32_t)(state[2] + c), state[3] = (uint32_t)(state[3] + d);
  state[4] = (uint32_t)(state[4] + e);
}

static void block_sha256(uint64_t* state, const uint8_t* bytes) {
  uint32_t w[64], v[8];
  for (int i = 0; i < 16; i++) w[i] = (uint32_t)big_endian(bytes + 4 * i, 4);
  for (int i = 16; i < 64; i++) {
    uint32_t s0 = rotate32(w[i - 15], 7) ^ rotate32(w[i - 15], 18) ^ w[i - 15] >> 3;
    uint32_t s1 = rotate32(w[i - 2], 17) ^ rotate32(w[i - 2], 19) ^ w[i - 2] >> 10;
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  for (int i = 0; i < 8; i++) v[i] = (uint32_t)state[i];
  for (int i = 0; i < 64; i++) {
    uint32_t s1 = rotate32(v[4], 6) ^ rotate32(v[4], 11) ^ rotate32(v[4], 25);
    uint32_t t1 = v[7] + s1 + ((v[4] & v[5]) ^ (~v[4] & v[6])) + (uint32_t)(k[i] >> 32) + w[i];
    uint32_t s0 = rotate32(v[0], 2) ^ rotate32(v[0], 13) ^ rotate32(v[0], 22);
    uint32_t t2 = s0 + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
    memmove(v + 1, v, 7 * sizeof *v);
    v[4] += t1;
    v[0] = t1 + t2;
  }
  for (int i = 0; i < 8; i++) state[i] = (uint32_t)(state[i] + v[i]);
}

static void block_sha512(uint64_t* state, const uint8_t* bytes) {
  uint64_t w[80], v[8];
  for (int i = 0; i < 16; i++) w[i] = big_endian(bytes + 8 * i, 8);
  for (int i = 16; i < 80; i++) {
    uint64_t s0 = rotate64(w[i - 15], 1) ^ rotate64(w[i - 15], 8) ^ w[i - 15] >> 7;
    uint64_t s1 = rotate64(w[i - 2], 19) ^ rotate64(w[i - 2], 61) ^ w[i - 2] >> 6;
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  memcpy(v, state, sizeof v);
  for (int i = 0; i < 80; i++) {
    uint64_t s1 = rotate64(v[4], 14) ^ rotate64(v[4], 18) ^ rotate64(v[4], 41);
    uint64_t t1 = v[7] + s1 + ((v[4] & v[5]) ^ (~v[4] & v[6])) + k[i] + w[i];
    uint64_t s0 = rotate64(v[0], 28) ^ rotate64(v[0], 34) ^ rotate64(v[0], 39);
    uint64_t t2 = s0 + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
    memmove(v + 1, v, 7 * sizeof *v);
    v[4] += t1;
    v[0] = t1 + t2;
  }
  for (int i = 0; i < 8; i++) state[i] += v[i];
}

typedef struct {
  size_t size;  // of the digest
  size_t word, block;
  void (*step)(uint64_t* state, const uint8_t* bytes);
  uint64_t start[8];
} Sha;

static const Sha shas[] = {
    {20, 4, 64, block_sha1, {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0}},
    {32,
     4,
     64,
     block_sha256,
     {0x6a09e667,
      0xbb67ae85,
      0x3c6ef372,
      0xa54ff53a,
      0x510e527f,
      0x9b05688c,
      0x1f83d9ab,
      0x5be0cd19}},
    {48,
     8,
     128,
     block_sha512,
     {0xcbbb9d5dc1059ed8,
      0x629a292a367cd507,
      0x9159015a3070dd17,
      0x152fecd8f70e5939,
      0x67332667ffc00b31,
      0x8eb44a8768581511,
      0xdb0c2e0d64f98fa7,
      0x47b5481dbefa4fa4}},
    {64,
     8,
     128,
     block_sha512,
     {0x6a09e667f3bcc908,
      0xbb67ae8584caa73b,
      0x3c6ef372fe94f82b,
      0xa54ff53a5f1d36f1,
      0x510e527fade682d1,
      0x9b05688c2b3e6c1f,
      0x1f83d9abfb41bd6b,
      0x5be0cd19137e2179}},
};

bool sha_digest(size_t size, const uint8_t* data, size_t data_size, uint8_t* digest) {
  const Sha* sha = NULL;
  for (size_t i = 0; i < sizeof shas / sizeof shas[0]; i++)
    if (shas[i].size == size) sha = &shas[i];
  if (!sha) return false;
  uint64_t state[8];
  memcpy(state, sha->start, sizeof state);
  size_t at = 0;
  for (; data_size - at >= sha->block; at += sha->block) sha->step(state, data + at);
  // The rest, a bit 1, zeros, and the length in bits as a number of two words.
  uint8_t last[256] = {0};
  size_t rest = data_size - at;
  memcpy(last, data + at, rest);
  last[rest] = 0x80;
  size_t end = rest + 1 + 2 * sha->word <= sha->block ? sha->block : 2 * sha->block;
  for (int i = 0; i < 8; i++)
    last[end - 1 - (size_t)i] = (uint8_t)((uint64_t)data_size * 8 >> (8 * i));
  for (at = 0; at < end; at += sha->block) sha->step(state, last + at);
  for (size_t i = 0; i < size; i++)
    digest[i] = (uint8_t)(state[i / sha->word] >> (8 * (sha->word - 1 - i % sha->word)));
  return true;
}
