// What the engine has of the language that authors may not expect of a small one.
export async function main(print) {
  print([3, 1, 2].toSorted().join(), [1, [2, [3]]].flat(Infinity).join());
  print("a-b-a".replaceAll("a", "x"), "x".padStart(3, "."), "😀".at(0) === "\ud83d", "ab".isWellFormed(), /(?<year>\d+)/.exec("in 2026").groups.year);
  print("grüße".normalize("NFD").length, "ß".toUpperCase(), "İ".toLowerCase().length, /\p{Lu}/u.test("Ä"), "a1b2".match(/\d/g).join());
  print(2n ** 64n, BigInt.asUintN(8, 257n), 0.1 + 0.2, (1234.5678).toFixed(2), Number("0x1f"), parseInt("12px"));
  print(new Date(0).toISOString(), new Date("2026-02-28T23:59:60Z").getTime(), new Date(2020, 1, 29, 12).getDate());
  print(JSON.stringify({ a: [undefined, () => {}], u: undefined, d: new Date(0), n: NaN }), JSON.parse('{"__proto__":1}')["__proto__"]);
  class A {
    #secret = 1;
    static made = 0;
    static { A.made = 2; }
    has(other) { return #secret in other; }
  }
  print(new A().has(new A()), A.made, new A().has({}));
  async function* numbers() { yield 1; yield 2; }
  const got = [];
  for await (const n of numbers()) got.push(n);
  print(got.join(), (await Promise.allSettled([1, Promise.reject(2)])).map((r) => r.status).join());
  print(new Error("x", { cause: 1 }).cause, new AggregateError([1, 2]).errors.length, [..."aé😀"].length, structuredClone(new Map([[1, 2]])).get(1));
  label: for (const a of [1, 2]) { for (const b of [1, 2]) { if (b === 2) continue label; print(a, b); } }
  print(typeof globalThis, new WeakRef({}) instanceof WeakRef, Symbol("s").description);
}
