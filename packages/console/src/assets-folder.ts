/** The files of pages that run scripts. The folder stands beside `src`, `dist` and the bundle of the command, so this file stays on their first level. */
export const assetsFolder: URL = new URL('../assets/', import.meta.url)
