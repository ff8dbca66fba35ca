/**
 * Bytes whose buffer is not shared, as the web platform takes them. The type is written so that
 * earlier versions of TypeScript know it too, whose `Uint8Array` has no parameter.
 */
export type Bytes = ReturnType<typeof Uint8Array.of>;
