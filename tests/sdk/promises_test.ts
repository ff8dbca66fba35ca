/** Calls are promises, and writes name their change. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Contact, type Page, PorticoError } from "../../client-sdk/src/mod.ts";
import { present } from "../support/exactly.ts";
import { test } from "../support/workspace.ts";
import { newClient } from "./signedIn.ts";

test("sdk: a call is a promise of its data", async () => {
  const portico = await newClient();
  const { id } = await portico.contacts.create({ last_name: "Lovelace" });
  const call = portico.contacts.list();
  assert(call instanceof Promise);
  const queryFn: () => Promise<Page<Contact>> = () => portico.contacts.list();
  const wrapped = async () => await portico.contacts.get(id);
  const [page, contact, named] = await Promise.all([
    queryFn(),
    wrapped(),
    portico.me.get(),
  ]);
  assertEquals([page.data[0]?.id, contact.last_name, named.role], [
    id,
    "Lovelace",
    "admin",
  ]);
  const raced = await Promise.race([portico.contacts.get(id)]);
  assertEquals(raced.id, id);
  assertEquals(await call.then(({ data }) => data.length).finally(() => {}), 1);
});

test("sdk: a refused call rejects once, whichever of its promises is used", async () => {
  const portico = await newClient();
  assertEquals(
    await portico.contacts.get(1).catch((error) => error.code),
    "not_found",
  );
  await assertRejects(
    () => portico.contacts.get(1).withResponse(),
    PorticoError,
  );
  await assertRejects(() => portico.contacts.get(1).changeId, PorticoError);
  const settled = await Promise.allSettled([portico.contacts.get(1)]);
  assertEquals(settled.map(({ status }) => status), ["rejected"]);
});

test("sdk: a write names its change, and undo takes it back", async () => {
  const portico = await newClient();
  const { data: { id }, changeId: creation } = await portico.contacts.create({
    last_name: "A",
  })
    .withResponse();
  const deletion = portico.contacts.delete(id);
  assertEquals(await deletion, undefined);
  const changeId = await deletion.changeId;
  const { restored, change_id } = await portico.undo(present(changeId, "change"));
  assertEquals(restored.contacts, 1);
  assertEquals((await portico.contacts.get(id)).last_name, "A");
  const again = await assertRejects(() => portico.undo(present(changeId, "change")), PorticoError);
  assertEquals(again.code, "already_undone");
  await portico.undo(present(change_id, "change"));
  assertEquals((await portico.contacts.list()).data, []);
  assertEquals(
    (await portico.undo(present(creation, "change"), { on_conflict: "keep", dry_run: true }))
      .dry_run,
    true,
  );
});

test("sdk: a read and a write without effect have no change", async () => {
  const portico = await newClient();
  const { id } = await portico.contacts.create({ last_name: "A" });
  assertEquals(await portico.contacts.get(id).changeId, undefined);
  assertEquals(await portico.contacts.update(id, {}).changeId, undefined);
});
