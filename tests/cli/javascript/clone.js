// structuredClone.
const refused = (value) => {
  try {
    structuredClone(value);
    return "cloned";
  } catch (error) {
    return `${error.name} ${error.code} ${error instanceof DOMException}`;
  }
};

export function main(print) {
  const given = { a: [1, , "x", null, undefined, true, 5n, NaN, -0], d: new Date(5), r: /x+/gi, deep: { er: { est: 1 } } };
  const copy = structuredClone(given);
  print(copy !== given, copy.a.length, 1 in copy.a, copy.a.slice(2).map(String).join(), Object.is(copy.a[8], -0));
  print(copy.d instanceof Date, copy.d.getTime(), copy.r instanceof RegExp, String(copy.r), copy.deep.er.est, copy.deep !== given.deep);

  const circle = { name: "circle" };
  circle.self = circle;
  circle.list = [circle];
  const circle_copy = structuredClone(circle);
  print(circle_copy.self === circle_copy, circle_copy.list[0] === circle_copy, circle_copy !== circle);

  const map = structuredClone(new Map([["k", new Set([1, { x: 2 }])], [{}, 3]]));
  print(map instanceof Map, map.size, [...map.get("k")].length, map.get("k") instanceof Set);

  const buffer = new Uint8Array([1, 2, 3, 4]).buffer;
  const views = structuredClone({ buffer, one: new Uint16Array(buffer, 2, 1), all: new DataView(buffer, 1), floats: new Float64Array([1.5]) });
  print(views.one.buffer === views.buffer, views.buffer !== buffer, views.one[0], views.one.byteOffset, views.all.getUint8(0), views.floats[0]);

  for (const Kind of [Error, TypeError, RangeError]) {
    const error = structuredClone(new Kind("broken", { cause: { why: 1 } }));
    print(error instanceof Kind, error.name, error.message, error.cause.why, Object.keys(error).length);
  }
  class Custom extends Error {}
  print(structuredClone(new Custom("c")) instanceof Custom, structuredClone(new Custom("c")) instanceof Error);
  class Point {
    x = 1;
    get y() { return 2; }
  }
  print(JSON.stringify(structuredClone(new Point())), structuredClone(new Point()) instanceof Point);
  print(structuredClone(Object(3)) instanceof Number, structuredClone(Object("s")).valueOf(), structuredClone("text"), structuredClone(undefined));
  print(JSON.stringify(structuredClone({ get seen() { return 1; }, [Symbol("hidden")]: 2 })));

  for (const value of [() => {}, Symbol("x"), { f() {} }, [class {}], new WeakMap(), Promise.resolve()]) print(refused(value));

  const moved = new ArrayBuffer(8);
  const taken = structuredClone({ moved }, { transfer: [moved] });
  print(moved.byteLength, taken.moved.byteLength);
}
