/** Shows the OpenAPI document with Scalar, which `scalar.js` has loaded. */

import { currentTheme, onThemeChange } from "./theme.js";

/**
 * @typedef {object} Scalar The part of Scalar's interface that is used.
 * @property {(element: string, configuration: object) =>
 *   { updateConfiguration(configuration: object): void }} createApiReference
 */

/** @type {Scalar} */
const Scalar = Reflect.get(globalThis, "Scalar");

const LOCAL = /^http:\/\/(127\.0\.0\.1|localhost)(:|$)/;

/** Everything that would ask another server is off. */
function configuration(/** @type {string} */ theme) {
  return {
    content: Reflect.get(globalThis, "porticoDocument"),
    // A local stack may have any port.
    ...LOCAL.test(location.origin)
      ? { servers: [{ url: `${location.origin}/functions/v1`, description: "This stack" }] }
      : {},
    agent: { disabled: true },
    mcp: { disabled: true },
    telemetry: false,
    withDefaultFonts: false,
    hideClientButton: true,
    showDeveloperTools: "never",
    documentDownloadType: "none",
    hideDarkModeToggle: true,
    forceDarkModeState: theme,
    defaultHttpClient: { targetKey: "shell", clientKey: "curl" },
    hideModels: true,
    searchHotKey: "k",
  };
}

const reference = Scalar.createApiReference("#site-reference", configuration(currentTheme()));
onThemeChange((theme) => reference.updateConfiguration(configuration(theme)));
