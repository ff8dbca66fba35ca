/** originMatcher: allowed origins. */
import { assert, assertEquals } from "@std/assert";
import { originMatcher } from "../../supabase/functions/_shared/cors.ts";

Deno.test("originMatcher accepts listed origins only literally", () => {
  const allows = originMatcher(["https://app.example.com", "http://localhost:5173"]);
  assert(allows("https://app.example.com"));
  assert(allows("http://localhost:5173"));
  for (
    const origin of [
      ...["http://app.example.com", "https://app.example.com:8443", "https://app.example.com/"],
      ...["https://app.example.com.evil.com", "https://app.example.com@evil.com"],
      ...["https://xapp.example.com", "https://appxexample.com", "https://APP.example.com"],
      ...["http://localhost", "http://localhost:51730", "null", "*", ""],
    ]
  ) {
    assertEquals(allows(origin), false, origin);
  }
});

Deno.test("originMatcher matches an asterisk with exactly one label of a host name", () => {
  const allows = originMatcher(["https://*.example.com", "https://pr-*.example.org"]);
  assert(allows("https://a-1.example.com"));
  assert(allows("https://pr-9.example.org"));
  for (
    const origin of [
      ...["https://a.b.example.com", "https://pr-.example.org", "https://*.example.com"],
      ...[
        "https://example.com",
        "https://.example.com",
        "https://a.examplexcom",
        "https://A.example.com",
      ],
      ...["https://evil.com/.example.com", "https://evil.com#.example.com", "http://a.example.com"],
      ...[
        "https://a.example.com.evil.com",
        "https://a.example.com:8443",
        "https://evil.com?.example.com",
      ],
    ]
  ) {
    assertEquals(allows(origin), false, origin);
  }
});

Deno.test("originMatcher matches an asterisk with any port", () => {
  const allows = originMatcher(["http://localhost:*"]);
  assert(allows("http://localhost:4321"));
  for (
    const origin of [
      ...["http://localhost", "http://localhost:", "http://localhost:80@evil.com"],
      ...["http://localhost:5173.evil.com", "https://localhost:5173"],
    ]
  ) {
    assertEquals(allows(origin), false, origin);
  }
});

Deno.test("originMatcher accepts no origin without a list", () => {
  for (const origin of ["https://example.com", "null", ""]) {
    assertEquals(originMatcher([])(origin), false, origin);
  }
});
