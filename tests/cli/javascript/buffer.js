// Buffer.
const tried = (f) => {
  try {
    return f();
  } catch (error) {
    return error.name;
  }
};

export function main(print) {
  const encodings = ["utf8", "UTF-8", "hex", "base64", "base64url", "latin1", "binary", "ascii", "utf16le", "ucs2", "klingon"];
  const texts = ["", "a", "hällo", "漢😀", "\ud800x", "6162zz63", "YWJj", "Y-W_Jj==", "YQ", "Y W\nJj=Zg", "+/8=", "\u00ff\u0100"];
  for (const encoding of encodings) {
    print(encoding, Buffer.isEncoding(encoding));
    for (const text of texts) {
      print(JSON.stringify(text), tried(() => [...Buffer.from(text, encoding)].join()), tried(() => Buffer.byteLength(text, encoding)));
    }
    const all = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    for (const part of [all, all.subarray(3, 10), all.subarray(0x60, 0xc8), Buffer.alloc(0)]) {
      print(tried(() => JSON.stringify(part.toString(encoding))), tried(() => JSON.stringify(part.toString(encoding, 1, 4))));
    }
  }

  print(Buffer.from([1, 256, -1, 3.7, "4", "x"]).toString("hex"), Buffer.from({ length: 2, 0: 7, 1: 8 }).toString("hex"));
  const memory = new ArrayBuffer(8);
  const shared = Buffer.from(memory, 2, 4);
  shared[0] = 9;
  print([...new Uint8Array(memory)].join(), shared.length, shared.byteOffset, shared.buffer === memory);
  print(Buffer.from(new Uint16Array([1, 513])).toString("hex"), Buffer.from(Buffer.from("copy")).toString());
  print(Buffer.from(new String("boxed")).toString(), Buffer.from({ type: "Buffer", data: [1, 2] }).toString("hex"));
  for (const wrong of [undefined, null, 5, true, {}, () => 1]) print(tried(() => Buffer.from(wrong).length));
  print(JSON.stringify(Buffer.from("ab")), JSON.stringify({ b: Buffer.alloc(2, 7) }));
  print(Buffer.isBuffer(Buffer.alloc(1)), Buffer.isBuffer(new Uint8Array(1)), Buffer.alloc(1) instanceof Uint8Array);

  print(Buffer.alloc(5, "ab").toString(), Buffer.alloc(4, 257).toString("hex"), Buffer.alloc(5, "YWI=", "base64").toString(), Buffer.allocUnsafe(3).length);
  for (const wrong of [-1, "5", NaN, 1e12]) print(tried(() => Buffer.alloc(wrong).length));
  print(Buffer.concat([Buffer.from("a"), new Uint8Array([98]), Buffer.from("cd")]).toString(), Buffer.concat([Buffer.from("abc")], 2).toString());
  print(Buffer.concat([]).length, Buffer.concat([Buffer.from("abc")], 5).toString("hex"), tried(() => Buffer.concat("x")), tried(() => Buffer.concat(["x"])));

  const slice = Buffer.from("hello world");
  const part = slice.slice(-5, -1);
  part[0] = 87;
  print(slice.toString(), part.toString(), Buffer.isBuffer(part), part.map((x) => x + 1).toString(), Buffer.isBuffer(slice.subarray(1)));
  print(slice.equals(Buffer.from("hello World")), Buffer.compare(Buffer.from("a"), Buffer.from("b")), Buffer.from("b").compare(Buffer.from("ab"), 1));
  print([Buffer.from("b"), Buffer.from("a"), Buffer.from("ab")].sort(Buffer.compare).join());

  const target = Buffer.alloc(8, ".");
  print(Buffer.from("abcdef").copy(target, 2, 1, 4), target.toString(), Buffer.from("abcdef").copy(target, 6), target.toString());
  print(tried(() => Buffer.from("abc").copy(target, -1)), tried(() => Buffer.from("abc").copy(target, 0, 9)), Buffer.from("abc").copy(target, 99));
  const overlapping = Buffer.from("abcdef");
  overlapping.copy(overlapping, 2, 0, 4);
  print(overlapping.toString());

  const written = Buffer.alloc(6, "-");
  print(written.write("äöü€"), written.toString("hex"), written.write("xyz", 4), written.toString("hex"), written.write("6162", 1, "hex"), written.toString("hex"));
  print(written.write("abcdef", 2, 2), written.toString(), written.write("漢字", 0, 5, "utf16le"), written.toString("hex"), tried(() => written.write("x", 7)));
  print(Buffer.alloc(6).fill("xyz").toString(), Buffer.alloc(6).fill("x", 2, 4).toString("hex"), Buffer.alloc(4).fill("").toString("hex"), Buffer.alloc(3).fill(Buffer.from([1, 2])).toString("hex"));
  print(tried(() => Buffer.alloc(3).fill("zz", "hex").length), tried(() => Buffer.alloc(3).fill(1, 4)), tried(() => Buffer.alloc(3).fill(1, 0, 4)));

  const found = Buffer.from("abcabcabc");
  for (const [value, offset] of [["bc"], ["bc", 2], ["bc", -3], ["x"], ["", 4], ["", 99], [99], [99, 3], [Buffer.from("ca")], ["abc", 6], ["abcd"], ["bc", -99], ["bc", 99], [353], ["bc", NaN]]) {
    print(String(value), offset, found.indexOf(value, offset), found.lastIndexOf(value, offset), found.includes(value, offset));
  }
  print(found.indexOf("6263", 2, "hex"), found.indexOf("6263", "hex"), tried(() => found.indexOf({})));

  print(Buffer.from("12345678").swap16().toString(), Buffer.from("12345678").swap32().toString(), Buffer.from("12345678").swap64().toString(), tried(() => Buffer.from("123").swap16()));

  const numbers = Buffer.from("ff80017f00fe8899aabbccddeeff0011", "hex");
  for (const kind of ["UInt8", "Int8"]) print(kind, numbers[`read${kind}`](1), numbers[`read${kind}`](), tried(() => numbers[`read${kind}`](16)));
  for (const kind of ["UInt16", "Int16", "UInt32", "Int32", "BigInt64", "BigUInt64", "Float", "Double"]) {
    for (const order of ["LE", "BE"]) {
      const read = `read${kind}${order}`;
      print(read, numbers[read](1), numbers[read](), tried(() => numbers[read](15)), tried(() => numbers[read](-1)), tried(() => numbers[read](0.5)), tried(() => numbers[read]("1")));
    }
  }
  for (let size = 0; size <= 7; size++) {
    for (const read of ["readUIntLE", "readUIntBE", "readIntLE", "readIntBE"]) print(read, size, tried(() => numbers[read](5, size)), tried(() => numbers[read](13, size)));
  }
  const values = { Int8: -128, UInt8: 255, Int16: -2, UInt16: 65535, Int32: -(2 ** 31), UInt32: 2 ** 32 - 1, BigInt64: -3n, BigUInt64: 2n ** 64n - 1n, Float: 1.5, Double: -1e300 };
  for (const [kind, value] of Object.entries(values)) {
    for (const order of kind.endsWith("Int8") ? [""] : ["LE", "BE"]) {
      const room = Buffer.alloc(9);
      const write = `write${kind}${order}`;
      print(write, room[write](value, 1), room.toString("hex"), tried(() => room[write](value, 9)), tried(() => room[write](typeof value === "bigint" ? 2n ** 65n : 2 ** 40)), tried(() => room[write]("7")), tried(() => room[write](null)));
    }
  }
  for (let size = 0; size <= 7; size++) {
    for (const write of ["writeUIntLE", "writeUIntBE", "writeIntLE", "writeIntBE"]) {
      const room = Buffer.alloc(8);
      print(write, size, tried(() => room[write](100, 1, size)), room.toString("hex"), tried(() => room[write](-100, 1, size)), room.toString("hex"), tried(() => room[write](2 ** 47, 0, size)));
    }
  }
  print(numbers.readUint16LE(0), numbers.readUintBE(0, 3), `${Buffer.from("text")}`, Object.prototype.toString.call(Buffer.alloc(0)));
  print([...Buffer.from("ab").entries()].join(";"), Buffer.from("ab").join("+"), Buffer.from("abc").reverse().toString());
}
