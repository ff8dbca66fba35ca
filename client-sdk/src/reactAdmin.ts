/**
 * Bindings for react-admin 5.
 *
 * ```tsx
 * const dataProvider = createDataProvider(portico);
 * const authProvider = createAuthProvider({ supabase, portico });
 * <Admin dataProvider={dataProvider} authProvider={authProvider}>…</Admin>
 * ```
 */
export {
  createAuthProvider,
  type Credentials,
  type PorticoAuthProvider,
  type SupabaseAuthLike,
} from "./authProvider.ts";
export {
  type AdminRecord,
  createDataProvider,
  type DataProviderOptions,
  FormError,
  type Identifier,
  type Meta,
  type PorticoDataProvider,
} from "./dataProvider.ts";
