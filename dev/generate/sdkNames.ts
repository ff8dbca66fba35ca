/** Names of the SDK. */

/** `resend_invite` → `resendInvite` */
export function camelCase(name: string): string {
  return name.replace(/[._](\w)/g, (_, letter: string) => letter.toUpperCase());
}

/** `contacts.list` → `ContactsList` */
export function className(name: string): string {
  return camelCase(`_${name}`);
}
