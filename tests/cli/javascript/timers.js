// setTimeout and its kind, microtasks, and the order of all of them.
export async function main(print) {
  const order = [];
  const note = (text) => () => order.push(text);
  setTimeout(note("20"), 20);
  setTimeout(note("10"), 10);
  setTimeout(note("10 again"), 10);
  setTimeout(note("0"), 0);
  setTimeout((a, b) => order.push(`arguments ${a} ${b}`), 5, "x", 7);
  clearTimeout(setTimeout(note("cleared"), 1));
  clearTimeout(undefined);
  clearTimeout(123456);
  queueMicrotask(note("microtask"));
  Promise.resolve().then(note("then")).then(note("then then"));
  setTimeout(() => {
    order.push("outer");
    queueMicrotask(note("inner microtask"));
    setTimeout(note("inner"), 0);
  }, 12);
  let ticks = 0;
  await new Promise((resolve) => {
    const interval = setInterval((step) => {
      ticks += step;
      if (ticks === 6) {
        clearInterval(interval);
        resolve();
      }
    }, 15, 2);
  });
  order.push("interval over");
  print(order.join(", "), ticks);

  const before = Date.now();
  const start = performance.now();
  await new Promise((resolve) => setTimeout(resolve, 30));
  print(Date.now() - before >= 29, performance.now() - start >= 29, performance.now() - start < 5000);
  print(typeof performance.timeOrigin, performance.timeOrigin > 1e12);

  const raced = await Promise.race([new Promise((r) => setTimeout(r, 200, "slow")), new Promise((r) => setTimeout(r, 2, "fast"))]);
  print(raced);
  for (const wrong of [() => setTimeout("text"), () => queueMicrotask(1)]) {
    try {
      wrong();
    } catch (error) {
      print(error.name);
    }
  }
}
