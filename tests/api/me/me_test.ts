/** me.get and me.update: the caller's own profile. */
import { assertEquals } from "@std/assert";
import { createWorkspace, freshEmail, test } from "../../support/workspace.ts";

test("me.get shows profile, workspace and permissions", async () => {
  const { id, admin, addMember } = await createWorkspace();
  const { status, body, headers } = await admin.api.get("/me");
  assertEquals(status, 200);
  assertEquals([body.id, body.email, body.role, body.workspace.id], [
    admin.id,
    admin.email,
    "admin",
    id,
  ]);
  assertEquals(headers.get("ETag"), `"${body.updated_at}"`);
  assertEquals(body.permissions, {
    manage_users: true,
    manage_configuration: true,
    manage_all_records: true,
  });
  const manager = await addMember("manager");
  assertEquals((await manager.api.get("/me")).body.permissions, {
    manage_users: false,
    manage_configuration: false,
    manage_all_records: true,
  });
});

test("me.update changes only the profile, and clears the avatar by null", async () => {
  const { addMember } = await createWorkspace();
  const rep = await addMember("rep");
  const avatar = { src: "https://example.com/a.png", title: "a.png", rawFile: {} };
  const set = await rep.api.patch("/me", { first_name: " Rae ", avatar });
  assertEquals([set.status, set.body.first_name, set.body.avatar], [200, "Rae", avatar]);
  assertEquals(set.body.last_name, "rep");
  const cleared = await rep.api.patch("/me", { avatar: null });
  assertEquals([cleared.body.avatar, cleared.body.first_name], [null, "Rae"]);
  const fields = { role: "admin", disabled: false, email: freshEmail(), administrator: true };
  const refused = await rep.api.patch("/me", fields);
  assertEquals([refused.status, Object.keys(refused.body.errors).sort()], [
    422,
    Object.keys(fields).sort(),
  ]);
});
