// Headers, Request and Response, without a network.
const tried = (f) => {
  try {
    return f();
  } catch (error) {
    return error.name;
  }
};

export async function main(print) {
  const headers = new Headers({ "Content-Type": "text/plain", B: "1" });
  headers.append("b", " 2 ");
  headers.set("A", "x");
  print(headers.get("CONTENT-TYPE"), headers.get("b"), headers.get("none"), headers.has("a"));
  headers.delete("a");
  print(JSON.stringify([...headers]), [...headers.keys()].join(), [...new Headers([["x", "y"]])].join(), new Headers(headers).get("b"));
  print(tried(() => new Headers({ "a b": "1" })), tried(() => headers.set("a", "x\ny")), tried(() => new Headers([["one"]])));

  const response = new Response("größe", { status: 201, statusText: "Made", headers: { X: "1" } });
  print(response.status, response.ok, response.statusText, response.headers.get("x"), response.headers.get("content-type"), response.bodyUsed);
  const copy = response.clone();
  print(await response.text(), response.bodyUsed, await copy.text());
  await response.text().catch((error) => print(error.name));
  print(JSON.stringify(await new Response('{"a":[1]}').json()), (await new Response("é").arrayBuffer()).byteLength);
  print(await new Response(new Uint8Array([104, 105])).text(), await new Response().text(), new Response(null, { status: 404 }).ok);
  print(await new Response(new URLSearchParams({ a: "b c" })).text());
  const json = Response.json({ x: 1 }, { status: 202 });
  print(json.status, json.headers.get("content-type"), await json.text());
  print(Response.redirect("http://a/b").headers.get("location"), Response.error().type, tried(() => new Response("", { status: 99 })),
    tried(() => new Response("x", { status: 204 })));
  await new Response("{").json().catch((error) => print(error.name));

  const request = new Request("http://a/b?c#d", { method: "post", body: "text", headers: { x: "1" } });
  print(request.method, request.url, request.headers.get("x"), request.headers.get("content-type"), await request.text());
  const again = new Request(new Request("http://a/", { method: "PUT", body: "b" }), { headers: { y: "2" } });
  print(again.method, again.headers.get("y"), await again.text());
  print(tried(() => new Request("http://a/", { body: "x" })), tried(() => new Request("nowhere")), tried(() => new Request("http://u:p@a/")));
  const aborted = AbortSignal.abort();
  await fetch("http://127.0.0.1:9/", { signal: aborted }).catch((error) => print(error.name));
}
