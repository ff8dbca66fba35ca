/** Addresses that requests to the public internet may go to. */
import { assertEquals } from "@std/assert";
import {
  isPublicAddress,
  literalAddress,
} from "../../supabase/functions/_shared/internet/addresses.ts";

Deno.test("isPublicAddress accepts only addresses of the public internet", () => {
  const refused = [
    ...["127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255"],
    ...["192.168.1.1", "169.254.169.254", "100.64.0.1", "100.100.100.200", "192.0.0.192"],
    ...["192.0.2.1", "198.51.100.1", "203.0.113.1", "198.18.0.1", "224.0.0.1", "240.0.0.1"],
    ...["255.255.255.255", "168.63.129.16", "::", "::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8"],
    ...["::127.0.0.1", "::8.8.8.8", "fe80::1", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1"],
    ...["64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2001::1", "2001:db8::1", "100::1"],
    ...["", "localhost", "example.com", "8.8.8.8.", "8.8.8.8:80", "[::1]", "fe80::1%eth0"],
  ];
  for (const address of refused) assertEquals(isPublicAddress(address), false, address);
  for (const address of ["8.8.8.8", "93.184.215.14", "172.32.0.1", "2606:4700::1111"]) {
    assertEquals(isPublicAddress(address), true, address);
  }
});

Deno.test("literalAddress finds the address in every spelling of a URL", () => {
  const spellings = ["127.0.0.1", "127.1", "0x7f.1", "2130706433", "0177.0.0.1", "127.0.0.1."];
  for (const host of spellings) {
    const address = literalAddress(new URL(`http://${host}/`));
    assertEquals([host, address && isPublicAddress(address)], [host, false]);
  }
  assertEquals(literalAddress(new URL("http://[::ffff:7f00:1]/")), "::ffff:7f00:1");
  assertEquals(literalAddress(new URL("http://example.com/")), undefined);
});
