// crypto: digests are the same everywhere; of random numbers only the form.
const hex = (buffer) => Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");

export async function main(print) {
  for (const name of ["SHA-1", "SHA-256", "SHA-384", "SHA-512", "sha-256"]) {
    for (const size of [0, 1, 3, 55, 56, 63, 64, 65, 111, 112, 119, 120, 127, 128, 129, 1000]) {
      const data = Uint8Array.from({ length: size }, (_, i) => (i * 7 + size) & 255);
      print(name, size, hex(await crypto.subtle.digest(name, data)));
    }
  }
  print(hex(await crypto.subtle.digest({ name: "SHA-256" }, new TextEncoder().encode("abc").buffer)));
  await crypto.subtle.digest("MD5", new Uint8Array(1)).catch((error) => print(error.name));

  print(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(crypto.randomUUID()));
  const array = new Uint32Array(4);
  print(crypto.getRandomValues(array) === array, array.some((n) => n !== 0), crypto.randomUUID() !== crypto.randomUUID());
  for (const wrong of [[1], new Float32Array(1), new Uint8Array(65537)]) {
    try {
      crypto.getRandomValues(wrong);
    } catch (error) {
      print(error.name);
    }
  }
}
