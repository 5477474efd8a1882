// URL and URLSearchParams.
const parts = ["href", "origin", "protocol", "username", "password", "host", "hostname", "port", "pathname", "search", "hash"];

const urls = [
  ["http://a.b/c/../d?x=1#y"], ["HTTP://User:Pa%20ss@EXAMPLE.com:80/%7Efoo/../bar"], ["//x/y", "http://a/b"],
  ["?q", "http://a/b?c#d"], ["#z", "http://a/b?c#d"], ["../x", "http://a/b/c/d"], ["http://1.2.3"], ["http://0x7f.1/"],
  ["http://256.1.1.1"], ["http://09.1/"], ["http://[::1]:8080/"], ["http://[1:2:0:0:5:0:0:0]/"], ["http://[::ffff:1.2.3.4]/"],
  ["http://[1::2::3]/"], ["http://[1:2]/"], ["file:///C|/x/../.."], ["file://host/p"], ["file:///etc/passwd"], ["file:"],
  ["file:a", "file:///x/y"], ["/p", "file:///C:/a/b"], ["//h/p", "file:///C:/a"], ["mailto:a@b.c?subject=ü ö"],
  ["data:text/plain, hi#x"], ["http://ex ample/"], ["http://exa%6dple/"], ["https://münchen.de/ä?ö#ü"], ["http://☃.net/"],
  ["http://日本語。jp/"], ["http:a", "http://x/y/z"], ["http:\\\\x\\y"], ["javascript:alert(1)"], ["foo://a/b/../c"], ["foo:/a//b"],
  ["foo:///x"], ["  http://a/ b  "], ["http://a:99999/"], ["http://a:/"], ["http://h:0/"], ["http://a@b@c/"], ["http://:x@h/"],
  ["x:"], [""], ["a"], ["http://"], ["http://?"], ["web+demo:/.//not-a-host/"], ["http://a/%2e%2E/b"], ["http://a/b?c'd\"e"],
  ["http://a/{}|`<>"], ["blob:https://a.b/x"], ["ws://h:80/"], ["http://a.b./"], ["http://a..b/"], ["foo://[::1]/"],
  ["foo://ho%20st/"], ["http://h/a?b#c?d#e"], ["http://h?#"], ["http://a/\u{1F600}"], ["https://x:443/", "http://x"],
];

const changes = [
  ["http://a/b", "protocol", "https"], ["http://a:443/b", "protocol", "https"], ["http://a/b", "protocol", "mailto"],
  ["http://a/b", "host", "c:81"], ["http://a/b", "host", "c:x"], ["http://a:5/b", "host", "[::2]"], ["http://a/b", "host", ""],
  ["http://a/b", "hostname", "c:81"], ["http://a/b", "hostname", "d"], ["http://a/b", "port", "8080x"], ["http://a/b", "port", "x"],
  ["http://a/b", "port", "80"], ["http://a:9/b", "port", ""], ["http://a/b", "pathname", "x y?#"], ["http://a/b", "pathname", ""],
  ["http://a/b", "search", "?a=b c&d"], ["http://a/b?x", "search", ""], ["http://a/b", "hash", "#x y"], ["http://a/b#x", "hash", ""],
  ["mailto:x", "host", "a"], ["mailto:x", "pathname", "a"], ["http://a/b", "username", "ü:"], ["http://u:p@a/b", "password", ""],
  ["file:///x", "username", "a"], ["file:///x", "host", "h"], ["foo://a/b", "pathname", "x/../y"], ["http://a/b", "href", "http://z/"],
];

export function main(print) {
  for (const given of urls) {
    try {
      const url = new URL(...given);
      print(JSON.stringify(given), parts.map((part) => url[part]).join(" | "));
    } catch (error) {
      print(JSON.stringify(given), error.name, error.code);
    }
    print(URL.canParse(...given));
  }
  for (const [base, part, value] of changes) {
    const url = new URL(base);
    url[part] = value;
    print(base, part, value, url.href);
  }
  print(JSON.stringify({ url: new URL("http://a") }), `${new URL("http://a/b")}`, Object.prototype.toString.call(new URL("x:y")));

  const params = new URLSearchParams("?a=1&b=2&a=3&c=%20+%zz&=x&d");
  print(params.toString(), params.getAll("a").join(), params.get("none"), params.has("a", "3"), params.has("a", "4"), params.size);
  params.append("e é", "&=");
  params.set("a", "9");
  params.set("new", "1");
  params.delete("b");
  params.delete("d", "not this");
  params.sort();
  print(params.toString(), JSON.stringify([...params]), [...params.keys()].join(), [...params.values()].join());
  params.forEach((value, name) => print(name, value));
  print(new URLSearchParams([["x", "y"]]).toString(), new URLSearchParams({ k: "v w" }).toString(),
    new URLSearchParams(new URLSearchParams("q=1")).toString(), new URLSearchParams("a=%F0%9F%98%80%ff").get("a"));

  const url = new URL("http://a/?x=1");
  url.searchParams.append("y", "2 3");
  print(url.href);
  url.search = "?z=1";
  print(url.searchParams.get("z"), url.searchParams.get("x"));
  url.searchParams.delete("z");
  print(url.href);
}
