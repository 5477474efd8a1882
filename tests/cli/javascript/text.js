// TextEncoder, TextDecoder, atob and btoa.
const tried = (f) => {
  try {
    return f();
  } catch (error) {
    return error.name;
  }
};
const bytes = (...values) => new Uint8Array(values);

export function main(print) {
  const encoder = new TextEncoder();
  print(encoder.encoding, [...encoder.encode("aé漢😀\ud800x")].join(), encoder.encode().length);
  for (const size of [0, 1, 2, 3, 5, 6, 9, 10, 20]) {
    const target = new Uint8Array(size);
    const { read, written } = encoder.encodeInto("aé漢😀z", target);
    print(size, read, written, [...target].join());
  }

  for (const label of ["utf-8", " UTF8 ", "utf-16le", "utf-16", "utf-16be"]) print(label, new TextDecoder(label).encoding);
  print(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).fatal, new TextDecoder().ignoreBOM);
  print(tried(() => new TextDecoder("klingon")));

  const broken = [[0xff], [0xc3], [0xe6, 0xbc], [0xed, 0xa0, 0x80], [0xf0, 0x9f, 0x98], [0xf4, 0x90, 0x80, 0x80], [0xc0, 0x80],
    [0xe6, 0x41], [0xf0, 0x80, 0x80, 0x41], [0x80, 0x80], [65, 0xc3, 66]];
  for (const b of broken) {
    print(JSON.stringify(new TextDecoder().decode(bytes(...b))), tried(() => new TextDecoder("utf-8", { fatal: true }).decode(bytes(...b))));
  }
  const bom = bytes(0xef, 0xbb, 0xbf, 65);
  print(new TextDecoder().decode(bom).length, new TextDecoder("utf-8", { ignoreBOM: true }).decode(bom).length);
  print(new TextDecoder().decode(bom.buffer).length, new TextDecoder().decode(new DataView(bom.buffer, 3)), new TextDecoder().decode());

  // Every way to cut a text into two chunks, and byte by byte.
  const whole = encoder.encode("\ufeffaé漢😀z");
  for (let cut = 0; cut <= whole.length; cut++) {
    const decoder = new TextDecoder();
    print(cut, decoder.decode(whole.subarray(0, cut), { stream: true }) + "|" + decoder.decode(whole.subarray(cut)));
  }
  const slow = new TextDecoder();
  print([...whole].map((byte) => slow.decode(bytes(byte), { stream: true })).join("|") + slow.decode());
  const cut_off = new TextDecoder();
  print(JSON.stringify(cut_off.decode(bytes(65, 0xe6, 0xbc), { stream: true }) + cut_off.decode()));

  const wide = bytes(0x61, 0, 0x3d, 0xd8, 0, 0xde, 0x42, 0x6f);
  print(new TextDecoder("utf-16le").decode(wide));
  const wide_slow = new TextDecoder("utf-16le");
  print([...wide].map((byte) => wide_slow.decode(bytes(byte), { stream: true })).join("|") + wide_slow.decode());
  print(new TextDecoder("utf-16be").decode(bytes(0, 0x61, 0xd8, 0x3d, 0xde, 0)));
  print(tried(() => new TextDecoder("utf-16le", { fatal: true }).decode(bytes(0, 0xd8))));

  print(btoa("hello"), atob("aGVsbG8="), atob(" aGVs\nbG8 "), btoa(""), btoa("\xff\x00"));
  print(tried(() => btoa("漢")), tried(() => atob("a")), tried(() => atob("*")));
}
